import HTTP2
import Synchronization

/// Handlers for tests, chosen by path: `/large`; `/hang`, until released or cancelled; `/stubborn`, until released,
/// ignoring cancellation. Any other path echoes.
final class TestHandlers: Sendable {
    private struct State {
        var startedCount = 0
        var endedCount = 0
        var cancelledCount = 0
        var isOpen = false
        var nextID = 0
        var stubborn: [CheckedContinuation<Void, Never>] = []
        var hanging: [Int: CheckedContinuation<Void, Never>] = [:]
        var waiters: [(reached: @Sendable (Counts) -> Bool, CheckedContinuation<Void, Never>)] = []

        var counts: Counts { Counts(started: startedCount, ended: endedCount, cancelled: cancelledCount) }

        mutating func takeReached() -> [CheckedContinuation<Void, Never>] {
            let counts = counts
            let reached = waiters.filter { $0.reached(counts) }
            waiters.removeAll { $0.reached(counts) }
            return reached.map(\.1)
        }
    }

    struct Counts: Sendable, Equatable {
        var started: Int
        var ended: Int
        var cancelled: Int
    }

    private let state = Mutex(State())

    var counts: Counts { state.withLock { $0.counts } }

    @Sendable func answer(_ request: H2Request) async -> H2Response {
        count { $0.startedCount += 1 }
        defer { count { $0.endedCount += 1 } }
        switch request.path {
        case "/large": return H2Response(status: 200, body: Array(repeating: 0x61, count: 200_000))
        case "/hang": await hang()
        case "/stubborn": await standStubborn()
        default: break
        }
        if Task.isCancelled { count { $0.cancelledCount += 1 } }
        return H2Response(
            status: 200, headers: [H2Header("content-type", "application/json"), H2Header("x-path", request.path)],
            body: request.body)
    }

    /// Releases all handlers that wait, and all that would.
    func releaseAll() {
        let waiting = state.withLock { state in
            state.isOpen = true
            let waiting = state.stubborn + state.hanging.values
            state.stubborn = []
            state.hanging = [:]
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait(until reached: @escaping @Sendable (Counts) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if reached(state.counts) { return true }
                state.waiters.append((reached, continuation))
                return false
            }
            if isReached { continuation.resume() }
        }
    }

    private func count(_ change: (inout State) -> Void) {
        let reached = state.withLock { state in
            change(&state)
            return state.takeReached()
        }
        for continuation in reached { continuation.resume() }
    }

    private func standStubborn() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.stubborn.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    private func hang() async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if state.isOpen || Task.isCancelled { return true }
                    state.hanging[id] = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.hanging.removeValue(forKey: id) }?.resume()
        }
    }
}
