import Contracts
import Synchronization

/// An event as it is sent, encoded once for all listeners. Code that waits for an event by value reserves room for it
/// meanwhile, which was a quarter of the memory of a listener.
struct ReadyEvent: Sendable {
    /// Nil if the event's place is not valid.
    let position: EventPosition?
    let text: [UInt8]
}

/// Is notified of what happens to a listener, instead of waiting for it.
protocol EventFollower: AnyObject, Sendable {
    /// There is something to take, or the end has come.
    func heard()
    /// Time has passed.
    func look(at now: ContinuousClock.Instant)
    /// Returns the credential if its validity must be checked now; nil if no check is due.
    func credentialDue(at now: ContinuousClock.Instant) -> UUIDBits?
}

/// A listener for a person's events, with those that wait to be sent.
final class EventListener: Sendable {
    /// Why no more events follow.
    enum Ending: String, Sendable {
        /// The client reads too slowly.
        case dropped
        /// The service stops, the stream has lasted long enough, or its session or key has ended.
        case bye
        /// The client is gone.
        case gone
    }

    enum Next: Sendable {
        case event(ReadyEvent)
        case ended(Ending)
        /// Nothing arrived in time.
        case silence
    }

    private struct State {
        var events: [ReadyEvent] = []
        var ending: Ending?
        var waiting: CheckedContinuation<Void, Never>?
        /// The end of the wait.
        var deadline = ContinuousClock.now
        var follower: (any EventFollower)?
    }

    private let state = Mutex(State())
    private let bufferedMax: Int

    init(bufferedMax: Int) { self.bufferedMax = bufferedMax }

    /// Adds an event. A listener with too many is ended; its client must fetch later what it has not read.
    func push(_ event: ReadyEvent) {
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

    /// Ends the listener. `isAtOnce` discards what waits, for a client that may not have it any more.
    func end(_ ending: Ending, isAtOnce: Bool = false) {
        wake { state in
            if ending == .gone || isAtOnce { state.events = [] }
            state.ending = state.ending ?? ending
        }
    }

    /// Returns the next event, waiting until `deadline`; somebody must call `expire` meanwhile. A timer or a task for
    /// each of thousands of listeners would cost more than everything that they hear.
    func next(until deadline: ContinuousClock.Instant) async -> Next {
        if let next = take() { return next }
        guard deadline > .now else { return .silence }
        await untilSomething(or: deadline)
        return take() ?? .silence
    }

    /// Ends a wait whose deadline has passed at `now`, and tells the follower, if any, the time.
    func expire(at now: ContinuousClock.Instant) {
        let (waiting, follower) = state.withLock { state in
            guard state.deadline <= now else {
                return (nil as CheckedContinuation<Void, Never>?, state.follower)
            }
            defer { state.waiting = nil }
            return (state.waiting, state.follower)
        }
        waiting?.resume()
        follower?.look(at: now)
    }

    /// Notifies `follower` from now on, while nobody waits in `next`; nil for nobody.
    func set(follower: (any EventFollower)?) { state.withLock { $0.follower = follower } }

    var follower: (any EventFollower)? { state.withLock { $0.follower } }

    /// Returns what comes next; without `room` only the end, and only if nothing waits before it.
    func take(room: Bool = true) -> Next? {
        state.withLock { state in
            if !state.events.isEmpty { return room ? .event(state.events.removeFirst()) : nil }
            return state.ending.map { .ended($0) }
        }
    }

    private func untilSomething(or deadline: ContinuousClock.Instant) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if !state.events.isEmpty || state.ending != nil || Task.isCancelled { return true }
                    state.waiting = continuation
                    state.deadline = deadline
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            wake { _ in }
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let (waiting, follower) = state.withLock { state in
            change(&state)
            defer { state.waiting = nil }
            return (state.waiting, state.follower)
        }
        waiting?.resume()
        follower?.heard()
    }
}
