internal import HTTP2
internal import Logging
internal import Metrics
internal import NIOSSL
internal import Reloading
internal import Runtime

/// The certificates by which the services of one deployment recognize each other, reloaded when their files change: new
/// connections use the new ones, open connections continue.
///
/// The folder contains `tls.crt` (the certificate of this service and its chain to the authority), `tls.key` and
/// `ca.crt` (the trusted authorities, several while one replaces the other), as laid out by Kubernetes.
final class PeerTLS: Sendable {
    /// How often the files are checked.
    private static let lookEvery = Duration.seconds(2)

    private struct Contexts: Sendable {
        let client: NIOSSLContext
        let server: NIOSSLContext
        /// Seconds since 1970.
        let expiresAt: Int
    }

    private let logger: Logger
    private let expiry = Gauge(label: "peer_tls_certificate_expires_timestamp_seconds")
    private let failures = Counter(label: "peer_tls_reload_failures_total")
    private let files: ReloadedFiles<Contexts>

    init(folder: String, logger: Logger) throws(StartupError) {
        self.logger = logger
        do {
            let paths = ["tls.crt", "tls.key", "ca.crt"].map { "\(folder)/\($0)" }
            files = try ReloadedFiles(paths) { files in try Self.contexts(files) }
        } catch {
            throw .setting(SharedKeys.peerTLSFolder.name, "\(error)")
        }
        expiry.record(files.value.expiresAt)
    }

    /// The current TLS context of a client.
    var client: NIOSSLContext { files.value.client }

    /// The current TLS context of a server, which admits only `callers`.
    func server(admitting callers: Set<String>) -> H2ServerTLS {
        H2ServerTLS(admits: { !callers.isDisjoint(with: $0) }, context: { self.files.value.server })
    }

    /// Checks the files for changes until cancelled.
    func run() async {
        await files.watch(every: Self.lookEvery) { outcome in
            switch outcome {
            case .unchanged: break
            case .renewed:
                expiry.record(files.value.expiresAt)
                logger.notice("peer certificates replaced")
            case .failed(let cause, let isNew):
                // At every check, so that the counter keeps rising for as long as the problem lasts.
                failures.increment()
                if isNew { logger.warning("peer certificates cannot be used", metadata: ["cause": "\(cause)"]) }
            }
        }
    }

    /// The reason certificates cannot be used.
    private struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    private static func contexts(_ files: [[UInt8]]) throws -> Contexts {
        let chain = try NIOSSLCertificate.fromPEMBytes(files[0])
        let authorities = try NIOSSLCertificate.fromPEMBytes(files[2])
        guard let leaf = chain.first, !authorities.isEmpty else { throw Unusable(description: "no certificate") }
        let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: files[1], format: .pem))
        let shown = chain.map { NIOSSLCertificateSource.certificate($0) }
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: shown, privateKey: key)
        // A certificate is required; which names are admitted is up to the server.
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
            expiresAt: Int(leaf.notValidAfter))
    }
}
