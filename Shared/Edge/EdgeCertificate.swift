package import Logging
internal import Metrics
internal import NIOCore
internal import NIOSSL
package import Reloading

/// The certificate of the public side, read from two PEM files and read again when they have changed. Connections that are
/// open keep what they began with.
package final class EdgeCertificate: Sendable {
    /// Why the files are of no use.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// How often the files are looked at.
    private static let lookInterval = Duration.seconds(5)

    /// How long a connection that is closed here in order waits for the client to say that it closes too, and for what is still
    /// to be sent to leave for a slow one. The library keeps all that such a connection holds for that long, also where the
    /// client has gone; who is thrown out of HTTP/2 has no such time.
    private static let closeTimeout = TimeAmount.seconds(2)

    private struct Contents: Sendable {
        let context: NIOSSLContext
        /// Seconds since 1970.
        let expiresAt: Int
    }

    private let expiry = Gauge(label: "edge_certificate_expires_timestamp_seconds")
    private let failures = Counter(label: "edge_certificate_reload_failures_total")
    private let files: ReloadedFiles<Contents>

    /// Reads both files; throws `Failure` where they are no certificate and its key.
    package init(certificate: String, key: String) throws(Failure) {
        do {
            files = try ReloadedFiles([certificate, key]) { files in try Self.contents(files[0], files[1]) }
        } catch {
            throw Failure(description: "\(certificate) and \(key) are no certificate and its key: \(error)")
        }
        expiry.record(files.value.expiresAt)
    }

    var context: NIOSSLContext { files.value.context }

    /// Looks whether the files have changed. Blocks on them: not for an event loop.
    package func look() -> ReloadOutcome { files.look() }

    /// Looks for other files until it is cancelled.
    package func run(logger: Logger) async {
        await files.watch(every: Self.lookInterval) { outcome in
            switch outcome {
            case .unchanged: break
            case .renewed:
                expiry.record(files.value.expiresAt)
                logger.notice("the certificate was read again")
            case .failed(let cause, let isNew):
                // With each look, so that whoever watches the number sees it for as long as the trouble lasts.
                failures.increment()
                if isNew { logger.warning("the new certificate cannot be used", metadata: ["cause": "\(cause)"]) }
            }
        }
    }

    private static func contents(_ certificate: [UInt8], _ key: [UInt8]) throws -> Contents {
        let chain = try NIOSSLCertificate.fromPEMBytes(certificate)
        guard let leaf = chain.first else { throw Failure(description: "there is no certificate") }
        let secret = try NIOSSLPrivateKey(bytes: key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { NIOSSLCertificateSource.certificate($0) }, privateKey: .privateKey(secret))
        configuration.minimumTLSVersion = .tlsv12
        // Of TLS 1.2; what 1.3 has is all good. The library's own list goes down to CBC, and to RSA's key exchange.
        configuration.cipherSuites = "ECDH+AESGCM:ECDH+CHACHA20"
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.shutdownTimeout = closeTimeout
        return Contents(context: try NIOSSLContext(configuration: configuration), expiresAt: Int(leaf.notValidAfter))
    }
}
