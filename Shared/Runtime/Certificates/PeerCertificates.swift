package import Logging
internal import Metrics
internal import NIOCore
package import NIOSSL
internal import Reloading

/// The certificates by which the services of one deployment recognize each other, and those who look at their admin
/// ports. They are reloaded when their files change: new connections use the new ones, open connections continue.
///
/// The folder contains `tls.crt` (the certificate of this service and its chain to the authority), `tls.key` and
/// `ca.crt` (the trusted authorities, several while one replaces the other), as laid out by Kubernetes.
package final class PeerCertificates: Sendable {
    /// How often the files are checked.
    private static let lookEvery = Duration.seconds(2)

    /// How long the orderly close of a connection to the admin port waits for the other side's close_notify. Until then
    /// it holds one of the port's few places.
    private static let adminCloseTimeout = TimeAmount.seconds(2)

    private struct Contexts: Sendable {
        let client: NIOSSLContext
        let server: NIOSSLContext
        let admin: NIOSSLContext
        /// Seconds since 1970.
        let expiresAt: Int
    }

    private let logger: Logger
    private let expiry = Gauge(label: "peer_tls_certificate_expires_timestamp_seconds")
    private let failures = Counter(label: "peer_tls_reload_failures_total")
    private let files: ReloadedFiles<Contexts>

    /// Reads the files. Throws a `StartupError` about the setting if they cannot be used.
    package init(folder: String, logger: Logger) throws(StartupError) {
        self.logger = logger
        do {
            let paths = ["tls.crt", "tls.key", "ca.crt"].map { "\(folder)/\($0)" }
            files = try ReloadedFiles(paths) { files in try Self.contexts(files) }
        } catch {
            throw .setting(SharedKeys.peerTLSFolder.name, "\(error)")
        }
        expiry.record(files.value.expiresAt)
    }

    /// The current TLS context of a client of other services.
    package var client: NIOSSLContext { files.value.client }

    /// The current TLS context of the server for other services. It demands a trusted certificate; which names are
    /// admitted is up to the server.
    package var server: NIOSSLContext { files.value.server }

    /// The same for the admin port.
    var admin: NIOSSLContext { files.value.admin }

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
        var admin = server
        server.applicationProtocols = ["h2"]
        client.applicationProtocols = ["h2"]
        // Not insisted on: balancers and scrapers often name no protocol.
        admin.applicationProtocols = ["http/1.1"]
        admin.shutdownTimeout = adminCloseTimeout
        return Contexts(
            client: try NIOSSLContext(configuration: client), server: try NIOSSLContext(configuration: server),
            admin: try NIOSSLContext(configuration: admin), expiresAt: Int(leaf.notValidAfter))
    }
}
