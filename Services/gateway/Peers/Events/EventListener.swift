import Contracts
import Synchronization

/// An event as it is sent, written once for all who hear of it. What waits for an event as a value holds the room for it
/// meanwhile, which was a fourth of all that a listener took.
struct ReadyEvent: Sendable {
    /// Nil for what is no place.
    let position: EventPosition?
    let text: [UInt8]
}

/// Who is told that something happened to a listener, instead of waiting for it.
protocol EventFollower: AnyObject, Sendable {
    /// There is something to take, or the end.
    func heard()
    /// Time has passed.
    func look(at now: ContinuousClock.Instant)
    /// Whose credentials it must be found out now if they still count; nil where that is not due.
    func credentialDue(at now: ContinuousClock.Instant) -> UUIDBits?
}

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
        case event(ReadyEvent)
        case ended(Ending)
        /// Nothing within the time.
        case silence
    }

    private struct State {
        var events: [ReadyEvent] = []
        var ending: Ending?
        var waiting: CheckedContinuation<Void, Never>?
        /// Until when it waits.
        var deadline = ContinuousClock.now
        var follower: (any EventFollower)?
    }

    private let state = Mutex(State())
    private let bufferedMax: Int

    init(bufferedMax: Int) { self.bufferedMax = bufferedMax }

    /// Takes an event in; a listener with too many ends, and what it has not read is its own to fetch later.
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

    /// `isAtOnce` drops what waits: it is for somebody who may not have it any more.
    func end(_ ending: Ending, isAtOnce: Bool = false) {
        wake { state in
            if ending == .gone || isAtOnce { state.events = [] }
            state.ending = state.ending ?? ending
        }
    }

    /// The next event, until `deadline`; somebody must call `expire` meanwhile. A timer or a task for each of thousands of
    /// listeners would cost more than all that they hear.
    func next(until deadline: ContinuousClock.Instant) async -> Next {
        if let next = take() { return next }
        guard deadline > .now else { return .silence }
        await untilSomething(or: deadline)
        return take() ?? .silence
    }

    /// Ends the wait of who has waited until `now`, or tells a follower what time it is.
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

    /// From now on `follower` is told, and nobody waits in `next`; nil for nobody.
    func set(follower: (any EventFollower)?) { state.withLock { $0.follower = follower } }

    var follower: (any EventFollower)? { state.withLock { $0.follower } }

    /// What comes next; without `room` the end where nothing waits before it.
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
