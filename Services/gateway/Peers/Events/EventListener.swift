import Contracts
import Synchronization

/// One who listens for a person's events, with those that wait to be sent.
final class EventListener: Sendable {
    /// Why there are no more.
    enum Ending: String, Sendable {
        /// The client reads too slowly.
        case dropped
        /// The service stops, or the stream has lasted long enough.
        case bye
        /// The client has gone.
        case gone
    }

    enum Next: Sendable {
        case event(FeedEvent)
        case ended(Ending)
        /// Nothing within the time.
        case silence
    }

    private struct State {
        var events: [FeedEvent] = []
        var ending: Ending?
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let bufferedMax: Int

    init(bufferedMax: Int) { self.bufferedMax = bufferedMax }

    /// Takes an event in; a listener with too many ends, and what it has not read is its own to fetch later.
    func push(_ event: FeedEvent) {
        wake { state in
            guard state.ending == nil else { return }
            if state.events.count == bufferedMax {
                state.events = []
                state.ending = .dropped
            } else {
                state.events.append(event)
            }
        }
    }

    func end(_ ending: Ending) {
        wake { state in
            if ending == .gone { state.events = [] }
            state.ending = state.ending ?? ending
        }
    }

    /// The next event, within `limit`.
    func next(atMost limit: Duration) async -> Next {
        if let next = take() { return next }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: limit) }
            group.addTask { await self.untilSomething() }
            await group.next()
            group.cancelAll()
        }
        return take() ?? .silence
    }

    private func take() -> Next? {
        state.withLock { state in
            if !state.events.isEmpty { return .event(state.events.removeFirst()) }
            return state.ending.map { .ended($0) }
        }
    }

    private func untilSomething() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if !state.events.isEmpty || state.ending != nil || Task.isCancelled { return true }
                    state.waiting = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            wake { _ in }
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }
}
