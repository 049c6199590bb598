import Synchronization

/// Wakes whoever polls the queue, at once or at a known time. A ring while nobody waits is kept for the next waiter.
package final class QueueBell: Sendable {
    private struct State {
        var isRung = false
        var next: ContinuousClock.Instant?
        var sleeper: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func ring() {
        let sleeper = state.withLock { state in
            if state.sleeper == nil { state.isRung = true }
            defer { state.sleeper = nil }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Rings at `time`, or earlier if that was requested too.
    package func ring(at time: ContinuousClock.Instant) {
        let isSooner = state.withLock { state in
            if let next = state.next, next <= time { return false }
            state.next = time
            return true
        }
        // A waiter must wait less long.
        if isSooner { ring() }
    }

    /// Waits for a ring for at most `limit`; returns early if the task is cancelled.
    package func wait(atMost limit: Duration) async {
        let now = ContinuousClock.now
        let end = state.withLock { state in
            guard let next = state.next else { return now + limit }
            if next <= now + limit { state.next = nil }
            return min(next, now + limit)
        }
        guard end > now else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(until: end, clock: .continuous) }
            group.addTask { await self.untilRung() }
            await group.next()
            group.cancelAll()
        }
    }

    private func untilRung() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRung = state.withLock { state in
                    if state.isRung || Task.isCancelled {
                        state.isRung = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if isRung { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                defer { state.sleeper = nil }
                return state.sleeper
            }
            sleeper?.resume()
        }
    }
}
