package import Logging
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

    private let files: ReloadedFiles<NIOSSLContext>

    /// Reads both files; throws `Failure` where they are no certificate and its key.
    package init(certificate: String, key: String) throws(Failure) {
        do {
            files = try ReloadedFiles([certificate, key]) { files in try Self.context(files[0], files[1]) }
        } catch {
            throw Failure(description: "\(certificate) and \(key) are no certificate and its key: \(error)")
        }
    }

    var context: NIOSSLContext { files.value }

    /// Looks whether the files have changed. Blocks on them: not for an event loop.
    package func look() -> ReloadOutcome { files.look() }

    /// Looks for other files until it is cancelled.
    package func run(logger: Logger) async {
        await files.watch(every: Self.lookInterval) { outcome in
            switch outcome {
            case .unchanged, .failed(_, isNew: false): break
            case .renewed: logger.notice("the certificate was read again")
            case .failed(let cause, isNew: true):
                logger.warning("the new certificate cannot be used", metadata: ["cause": "\(cause)"])
            }
        }
    }

    private static func context(_ certificate: [UInt8], _ key: [UInt8]) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(certificate).map { NIOSSLCertificateSource.certificate($0) }
        let secret = try NIOSSLPrivateKey(bytes: key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(secret))
        configuration.minimumTLSVersion = .tlsv12
        // Of TLS 1.2; what 1.3 has is all good. The library's own list goes down to CBC, and to RSA's key exchange.
        configuration.cipherSuites = "ECDH+AESGCM:ECDH+CHACHA20"
        configuration.applicationProtocols = ["h2", "http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}
