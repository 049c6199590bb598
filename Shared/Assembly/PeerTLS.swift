internal import HTTP2
internal import Logging
internal import Metrics
internal import NIOSSL
internal import Reloading
internal import Runtime

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

    /// What a client shows and believes at this moment.
    var client: NIOSSLContext { files.value.client }

    /// What a server shows and believes, and whom it lets in.
    func server(admitting callers: Set<String>) -> H2ServerTLS {
        H2ServerTLS(admits: { !callers.isDisjoint(with: $0) }, context: { self.files.value.server })
    }

    /// Looks for other files until it is cancelled.
    func run() async {
        await files.watch(every: Self.lookEvery) { outcome in
            switch outcome {
            case .unchanged: break
            case .renewed:
                expiry.record(files.value.expiresAt)
                logger.notice("peer certificates replaced")
            case .failed(let cause, let isNew):
                // With each look, so that whoever watches the number sees it for as long as the trouble lasts.
                failures.increment()
                if isNew { logger.warning("peer certificates cannot be used", metadata: ["cause": "\(cause)"]) }
            }
        }
    }

    /// Why certificates cannot be used.
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
            expiresAt: Int(leaf.notValidAfter))
    }
}
