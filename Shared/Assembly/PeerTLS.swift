internal import Glibc
internal import HTTP2
internal import Logging
internal import Metrics
internal import NIOPosix
internal import NIOSSL
internal import Runtime
internal import Synchronization

/// The certificates by which the services of one deployment know each other, read again when their files change: connections
/// that are made from then on use them, those that are open go on.
///
/// The folder has `tls.crt` (the certificate of this service and what leads from it to the authority), `tls.key` and
/// `ca.crt` (the authorities that are believed, several while one replaces the other), as Kubernetes lays them out.
final class PeerTLS: Sendable {
    /// How often the files are looked at.
    private static let lookEvery = Duration.seconds(2)

    private struct Contexts: Sendable {
        let client: NIOSSLContext
        let server: NIOSSLContext
        /// What the files held, to see whether they have changed.
        let files: [[UInt8]]
        /// Seconds since 1970.
        let expiresAt: Int
    }

    private let folder: String
    private let logger: Logger
    private let expiry = Gauge(label: "peer_tls_certificate_expires_timestamp_seconds")
    private let failures = Counter(label: "peer_tls_reload_failures_total")
    private let current: Mutex<Contexts>

    init(folder: String, logger: Logger) throws(StartupError) {
        self.folder = folder
        self.logger = logger
        do {
            let contexts = try Self.contexts(Self.read(folder))
            expiry.record(contexts.expiresAt)
            current = Mutex(contexts)
        } catch {
            throw .setting(SharedKeys.peerTLSFolder.name, "\(error)")
        }
    }

    /// What a client shows and believes at this moment.
    var client: NIOSSLContext { current.withLock { $0.client } }

    /// What a server shows and believes, and whom it lets in.
    func server(admitting callers: Set<String>) -> H2ServerTLS {
        H2ServerTLS(admits: { !callers.isDisjoint(with: $0) }, context: { self.current.withLock { $0.server } })
    }

    /// Looks for other files until it is cancelled. Files that do not fit together, as while they are replaced one by one,
    /// change nothing.
    func run() async {
        var refused: [[UInt8]]?
        while (try? await Task.sleep(for: Self.lookEvery)) != nil {
            do {
                let files = try await NIOThreadPool.singleton.runIfActive { [folder] in try Self.read(folder) }
                guard files != current.withLock({ $0.files }), files != refused else { continue }
                refused = files
                let contexts = try Self.contexts(files)
                current.withLock { $0 = contexts }
                expiry.record(contexts.expiresAt)
                logger.notice("peer certificates replaced")
            } catch {
                failures.increment()
                logger.warning("peer certificates cannot be used", metadata: ["cause": "\(error)"])
            }
        }
    }

    /// Why certificates cannot be used.
    private struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Blocks: from `init`, before anything is served, or on a thread that may.
    private static func read(_ folder: String) throws -> [[UInt8]] {
        try ["tls.crt", "tls.key", "ca.crt"].map { name in
            guard let file = fopen("\(folder)/\(name)", "rb") else {
                throw Unusable(description: "\(folder)/\(name) cannot be read")
            }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
            let count = fread(&bytes, 1, bytes.count, file)
            guard count > 0, count <= fileBytesMax else {
                throw Unusable(description: "\(folder)/\(name) is empty or larger than \(fileBytesMax) bytes")
            }
            return Array(bytes.prefix(count))
        }
    }

    /// Of one file.
    private static let fileBytesMax = 256 * 1_024

    private static func contexts(_ files: [[UInt8]]) throws -> Contexts {
        let chain = try NIOSSLCertificate.fromPEMBytes(files[0])
        let authorities = try NIOSSLCertificate.fromPEMBytes(files[2])
        guard let leaf = chain.first, !authorities.isEmpty else { throw Unusable(description: "no certificate") }
        let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: files[1], format: .pem))
        let shown = chain.map { NIOSSLCertificateSource.certificate($0) }
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: shown, privateKey: key)
        // A certificate must be shown; which names are let in is the server's matter.
        server.certificateVerification = .noHostnameVerification
        server.trustRoots = .certificates(authorities)
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = shown
        client.privateKey = key
        client.certificateVerification = .fullVerification
        client.trustRoots = .certificates(authorities)
        server.minimumTLSVersion = .tlsv13
        client.minimumTLSVersion = .tlsv13
        server.applicationProtocols = ["h2"]
        client.applicationProtocols = ["h2"]
        return Contexts(
            client: try NIOSSLContext(configuration: client), server: try NIOSSLContext(configuration: server),
            files: files, expiresAt: Int(leaf.notValidAfter))
    }
}
