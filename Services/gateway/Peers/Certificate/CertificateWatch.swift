package import Edge
package import Logging

/// Looks now and then whether the certificate of the public side was renewed.
package struct CertificateWatch: Sendable {
    private let certificate: EdgeCertificate
    private let logger: Logger

    package init(certificate: EdgeCertificate, logger: Logger) {
        self.certificate = certificate
        self.logger = logger
    }

    /// Works until it is cancelled. The same trouble is told once.
    package func run() async {
        var told: String?
        while !Task.isCancelled {
            try? await Task.sleep(for: EdgeCertificate.lookInterval)
            switch certificate.look() {
            case .unchanged: told = nil
            case .renewed:
                told = nil
                logger.notice("the certificate was read again")
            case .failed(let cause):
                if told != cause {
                    logger.warning("the new certificate cannot be used", metadata: ["cause": "\(cause)"])
                }
                told = cause
            }
        }
    }
}
