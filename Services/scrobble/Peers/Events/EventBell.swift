import Synchronization

/// Wakes everybody who waits for events. A caller that reads the ring count before it looks misses no ring.
package final class EventBell: Sendable {
    private struct State {
        var rings: UInt64 = 0
        var isDraining = false
        var nextWaiter: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func ring() {
        let waiting = state.withLock { state in
            state.rings &+= 1
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Ends all waits, now and in future.
    package func drain() {
        state.withLock { $0.isDraining = true }
        ring()
    }

    var rings: UInt64 { state.withLock(\.rings) }
    var isDraining: Bool { state.withLock(\.isDraining) }

    /// Waits for a ring after `rings`, for at most `limit`.
    func wait(after rings: UInt64, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: limit) }
            group.addTask { await self.wait(after: rings) }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait(after rings: UInt64) async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.rings != rings || state.isDraining || Task.isCancelled { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }
}
