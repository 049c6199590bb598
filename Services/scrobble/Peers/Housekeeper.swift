import Contracts
import Logging
import Store

/// Removes old data, one copy of the service at a time.
struct Housekeeper: Sendable {
    let id: UUIDBits
    let turns: QueueStore
    let events: EventStore
    let hooks: HookStore
    let keys: KeyStore
    let batches: BatchStore
    let imports: ImportStore
    let watch: WatchStore
    /// How long the changes of a batch are kept.
    let undoLife: Duration
    let clock: any WallClock
    let logger: Logger

    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: EventLimits.sweepInterval * Double.random(in: 0.75...1.25))
            guard !Task.isCancelled else { return }
            do {
                guard
                    try await turns.takeTurn(
                        "housekeeping", every: EventLimits.sweepInterval / 2, as: id, until: .now + .seconds(5))
                else { continue }
                while try await events.sweep(until: .now + .seconds(30)), !Task.isCancelled {}
                while try await watch.sweep(until: .now + .seconds(30)), !Task.isCancelled {}
                try await hooks.sweep(until: .now + .seconds(30))
                while try await keys.sweep(at: clock.now, until: .now + .seconds(30)), !Task.isCancelled {}
                while try await forgetBatches(), !Task.isCancelled {}
                while try await imports.giveUpUploads(at: clock.now, until: .now + .seconds(30)), !Task.isCancelled {}
            } catch {
                logger.warning("failed to remove old data", metadata: ["cause": "\(error)"])
            }
        }
    }

    private func forgetBatches() async throws(StoreError) -> Bool {
        let now = clock.now
        return try await batches.forget(
            before: now.advanced(by: .zero - undoLife), at: now, until: .now + .seconds(30))
    }
}
