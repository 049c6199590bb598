internal import Logging
internal import Metrics
internal import Synchronization

/// Counts the connections that the admin port refuses because of their certificate, or for want of TLS; the log has a
/// line for the first, and later for one of several.
final class AdminRefusals: Sendable {
    private let logger: Logger
    /// Created at the start: a counter that is first read at 1 cannot be seen to rise.
    private let counter = Counter(label: "admin_connections_refused_total")
    private let toldAt = Mutex<ContinuousClock.Instant?>(nil)

    init(logger: Logger) { self.logger = logger }

    func note(_ address: String) {
        counter.increment()
        let now = ContinuousClock.now
        let isDue = toldAt.withLock { toldAt in
            if let last = toldAt, now - last < AdminLimits.refusalLineInterval { return false }
            toldAt = now
            return true
        }
        if isDue { logger.info("admin connection refused", metadata: ["peer": "\(address)"]) }
    }
}
