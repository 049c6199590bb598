internal import Admission
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOSSL

/// Sets up a connection to the admin port. With certificates, whoever comes from elsewhere speaks TLS 1.3 and presents
/// a trusted certificate with one of the admitted names; without them, and from the machine itself, it is plain HTTP.
///
/// A handshake that does not end counts as idleness of the HTTP connection above it.
struct AdminChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    /// The names in the certificates of the balancer, which asks for `/readyz`, and of the scraper of metrics.
    private static let admitted: Set<String> = ["balancer", "monitor"]

    private let http: HTTP1Channel
    private let certificates: PeerCertificates?
    private let refusals: AdminRefusals

    init(http: HTTP1Channel, certificates: PeerCertificates?, refusals: AdminRefusals) {
        self.http = http
        self.certificates = certificates
        self.refusals = refusals
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        guard let certificates, !Loopback.contains(channel.remoteAddress) else {
            return http.setup(channel: channel, logger: logger)
        }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(NIOSSLServerHandler(context: certificates.admin))
            let address = channel.remoteAddress?.ipAddress ?? ""
            let gate = PeerGate(admits: { !Self.admitted.isDisjoint(with: $0) }) { [refusals] in
                refusals.note(address)
            }
            try pipeline.addHandler(gate)
        }.flatMap {
            http.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}
