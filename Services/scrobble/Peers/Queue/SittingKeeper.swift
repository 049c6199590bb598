import Logging
import Store

/// Ends sittings whose players have fallen silent.
struct SittingKeeper: Sendable {
    /// The interval between checks.
    static let interval = Duration.seconds(30)
    /// The maximum number of sittings ended at a time.
    static let sittingsMax = 200

    let store: PlaybackStore
    let queue: QueueWorker
    let clock: any WallClock
    let logger: Logger

    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval * Double.random(in: 0.75...1.25))
            guard !Task.isCancelled else { return }
            // What fails in the database is retried in the next round.
            let expiry = try? await store.closeExpired(
                at: clock.now, limit: Self.sittingsMax, until: .now + Self.interval)
            guard let expiry else { continue }
            if expiry.ended > 0 { queue.announce() }
            for (session, cause) in expiry.failed {
                logger.warning(
                    "failed to end a sitting", metadata: ["session": "\(session)", "cause": "\(cause)"])
            }
        }
    }
}
