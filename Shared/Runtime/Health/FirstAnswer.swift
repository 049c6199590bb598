internal import Synchronization

/// Runs work that may never finish: returns its value, or `fallback` once `limit` has passed.
///
/// At the limit the work is cancelled and abandoned, so that work that ignores cancellation delays nobody.
func firstAnswer<Value: Sendable>(
    within limit: Duration, otherwise fallback: Value, _ work: @escaping @Sendable () async -> Value
) async -> Value {
    let answer = FirstAnswer<Value>()
    return await withCheckedContinuation { continuation in
        answer.expect(continuation)
        // Unstructured: a structured child would have to end before the answer could be returned.
        let asking = Task { answer.give(await work()) }
        let waiting = Task {
            do {
                try await Task.sleep(for: limit)
                answer.give(fallback)
                asking.cancel()
            } catch {
                // The work was faster.
            }
        }
        answer.whenGiven { waiting.cancel() }
    }
}

/// Passes on the first of several answers, then runs `whenGiven`'s action, and ignores the rest.
private final class FirstAnswer<Value: Sendable>: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Value, Never>?
        var isGiven = false
        var afterwards: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    func expect(_ continuation: CheckedContinuation<Value, Never>) {
        state.withLock { $0.continuation = continuation }
    }

    func whenGiven(_ action: @escaping @Sendable () -> Void) {
        let isGiven = state.withLock { state in
            if !state.isGiven { state.afterwards = action }
            return state.isGiven
        }
        if isGiven { action() }
    }

    func give(_ value: Value) {
        let (continuation, afterwards) = state.withLock { state in
            defer {
                state.continuation = nil
                state.afterwards = nil
                state.isGiven = true
            }
            return (state.continuation, state.afterwards)
        }
        continuation?.resume(returning: value)
        afterwards?()
    }
}
