package import Logging
internal import Metrics
internal import NIOCore
internal import NIOSSL
package import Reloading

/// The certificate of the public side, read from two PEM files and read again when they change. Open connections keep
/// the one they began with.
package final class EdgeCertificate: Sendable {
    /// Why the files cannot be used.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// How often the files are checked.
    private static let lookInterval = Duration.seconds(5)

    /// How long the orderly close of a connection waits for the client's close_notify, and for unsent bytes to reach a
    /// slow client. The library keeps everything that such a connection holds for that long, even if the client has
    /// gone; connections that are thrown out over HTTP/2 do not wait.
    private static let closeTimeout = TimeAmount.seconds(2)

    private struct Contents: Sendable {
        let context: NIOSSLContext
        /// Seconds since 1970.
        let expiresAt: Int
    }

    private let expiry = Gauge(label: "edge_certificate_expires_timestamp_seconds")
    private let failures = Counter(label: "edge_certificate_reload_failures_total")
    private let files: ReloadedFiles<Contents>

    /// Reads both files; throws `Failure` if they are not a certificate and its key.
    package init(certificate: String, key: String) throws(Failure) {
        do {
            files = try ReloadedFiles([certificate, key]) { files in try Self.contents(files[0], files[1]) }
        } catch {
            throw Failure(description: "\(certificate) and \(key) are not a certificate and its key: \(error)")
        }
        expiry.record(files.value.expiresAt)
    }

    var context: NIOSSLContext { files.value.context }

    /// Checks whether the files have changed. Blocks on file access: do not call it on an event loop.
    package func look() -> ReloadOutcome { files.look() }

    /// Watches the files until the task is cancelled.
    package func run(logger: Logger) async {
        await files.watch(every: Self.lookInterval) { outcome in
            switch outcome {
            case .unchanged: break
            case .renewed:
                expiry.record(files.value.expiresAt)
                logger.notice("certificate reloaded")
            case .failed(let cause, let isNew):
                // On every check, so that the metric keeps rising for as long as the problem lasts.
                failures.increment()
                if isNew { logger.warning("the new certificate cannot be used", metadata: ["cause": "\(cause)"]) }
            }
        }
    }

    private static func contents(_ certificate: [UInt8], _ key: [UInt8]) throws -> Contents {
        let chain = try NIOSSLCertificate.fromPEMBytes(certificate)
        guard let leaf = chain.first else { throw Failure(description: "the file has no certificate") }
        let secret = try NIOSSLPrivateKey(bytes: key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { NIOSSLCertificateSource.certificate($0) }, privateKey: .privateKey(secret))
        configuration.minimumTLSVersion = .tlsv12
        // For TLS 1.2; all suites of 1.3 are good. The library's own list goes down to CBC and RSA key exchange.
        configuration.cipherSuites = "ECDH+AESGCM:ECDH+CHACHA20"
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.shutdownTimeout = closeTimeout
        return Contents(context: try NIOSSLContext(configuration: configuration), expiresAt: Int(leaf.notValidAfter))
    }
}
