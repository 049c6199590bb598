import Contracts
import RPC
import Synchronization

/// One stream of a person's events: what they missed, then what happens, with heartbeats.
final class EventSource: Sendable {
    private enum Stage: Sendable {
        case beginning
        /// Events missed after a place are fetched page by page, while those after `heardFrom` arrive.
        case missed(after: String, heardFrom: String)
        case live
        /// The last word is sent, or nobody listens.
        case over

        var isOver: Bool { if case .over = self { true } else { false } }
        var isLive: Bool { if case .live = self { true } else { false } }
    }

    private struct State {
        var stage = Stage.beginning
        var listener: EventListener?
        /// Where pieces are written once nobody asks for them any more.
        var line: (any EdgeLine)?
        var waiting: [[UInt8]] = []
        var last: EventPosition?
        var heartbeatAt: ContinuousClock.Instant
        /// When the credentials are checked next, however much happens.
        var lookAt: ContinuousClock.Instant
    }

    private let caller: EdgeCaller
    private let relay: EventRelay
    private let scrobble: ScrobbleClient
    /// The client's last place; nil if it has none, or sent something that was never a place.
    private let place: String?
    /// The client sent something that was never a place, so nobody knows what it has.
    private let isLost: Bool
    private let endsAt: ContinuousClock.Instant
    private let state: Mutex<State>

    init(
        caller: EdgeCaller, relay: EventRelay, scrobble: ScrobbleClient, lastID: String?, seconds: Int?
    ) {
        self.caller = caller
        self.relay = relay
        self.scrobble = scrobble
        place = lastID.flatMap { EventPosition($0) == nil ? nil : $0 }
        isLost = lastID?.isEmpty == false && place == nil
        let life = min(seconds.map { Duration.seconds($0) } ?? relay.limits.streamMax, relay.limits.streamMax)
        endsAt = .now + life
        let first = ContinuousClock.now + relay.limits.heartbeat
        state = Mutex(State(last: place.flatMap { EventPosition($0) }, heartbeatAt: first, lookAt: first))
    }

    /// Ends the stream, since nobody listens any more.
    func end() {
        let listener = state.withLock { state in
            state.stage = .over
            return state.listener
        }
        if let listener { relay.leave(listener, of: caller.user) }
    }

    /// Returns the next piece of the stream; nil at its end.
    func next() async throws -> [UInt8]? {
        while true {
            let (stage, waiting) = state.withLock { state in
                (state.stage, state.waiting.isEmpty ? nil : state.waiting.removeFirst())
            }
            if !stage.isOver, await mustLeave() { return farewell() }
            if let waiting { return waiting }
            switch stage {
            case .beginning:
                // From here on nothing is missed, even while earlier events are fetched.
                let (listener, begin) = try relay.listen(for: caller.user)
                let isOver = state.withLock { state in
                    state.listener = listener
                    if state.stage.isOver { return true }
                    if isLost { state.waiting.append(EventText.word("reset")) }
                    state.stage = place.map { .missed(after: $0, heardFrom: begin) } ?? .live
                    return false
                }
                if isOver {
                    relay.leave(listener, of: caller.user)
                } else {
                    // A client without a place gets this one, so that it misses nothing if it loses the stream early.
                    return EventText.beginning(at: place == nil ? begin : nil)
                }
            case .missed(let place, let begin): try await fetch(after: place, heardFrom: begin)
            case .live:
                if let piece = await live() { return piece }
            case .over: return nil
            }
        }
    }

    private func fetch(after place: String, heardFrom begin: String) async throws(RPCError) {
        let feed = try await scrobble.eventsOf(
            EventsOfParams(user: caller.user, after: place), RPCCall.within(.seconds(10)))
        state.withLock { state in
            if feed.isBroken == true {
                state.waiting.append(EventText.word("reset"))
                // It may be of another database, as before a restore, and ahead of anything that will happen soon.
                state.last = nil
            }
            for event in feed.events { state.waiting.append(EventText.event(event)) }
            state.last = feed.events.last.flatMap { EventPosition($0.place) } ?? state.last
            guard feed.events.isEmpty else {
                state.stage = .missed(after: feed.next, heardFrom: begin)
                return
            }
            state.stage = .live
            // Nothing is left up to there; a client that returns with a place that is too old must reload everything.
            if let position = EventPosition(begin), state.last.map({ $0 < position }) ?? true {
                state.last = position
                state.waiting.append(EventText.place(begin))
            }
        }
    }

    private func live() async -> [UInt8]? {
        let (heartbeatAt, lookAt, listener) = state.withLock { ($0.heartbeatAt, $0.lookAt, $0.listener) }
        guard let listener else { return nil }
        switch await listener.next(until: min(endsAt, heartbeatAt, lookAt)) {
        case .event(let event): return state.withLock { isNew(event, &$0) } ? event.text : nil
        case .ended(let ending):
            state.withLock { $0.stage = .over }
            return ending == .gone ? nil : EventText.word(ending.rawValue)
        case .silence:
            // A cancelled task does not wait any more, and would spin until something is due.
            if Task.isCancelled {
                state.withLock { $0.stage = .over }
                return nil
            }
            if ContinuousClock.now >= endsAt { return farewell() }
            guard ContinuousClock.now >= heartbeatAt else { return nil }
            state.withLock { $0.heartbeatAt = .now + relay.limits.heartbeat }
            return EventText.heartbeat
        }
    }

    /// Events that arrived while missed ones were fetched are among these.
    private func isNew(_ event: ReadyEvent, _ state: inout State) -> Bool {
        if let last = state.last, let position = event.position, position <= last { return false }
        state.last = event.position
        state.heartbeatAt = .now + relay.limits.heartbeat
        return true
    }

    private func farewell() -> [UInt8] {
        state.withLock { state in
            state.stage = .over
            state.waiting = []
        }
        return EventText.word(EventListener.Ending.bye.rawValue)
    }

    /// Returns whether the session or key has ended meanwhile, checked once per heartbeat.
    private func mustLeave() async -> Bool {
        guard credentialDue(at: .now) != nil else { return false }
        return await !relay.isAlive(caller.credential)
    }
}

extension EventSource: EdgeRest, EventFollower {
    var isReady: Bool { state.withLock { $0.stage.isLive && $0.waiting.isEmpty && $0.listener != nil } }

    func goOn(on line: any EdgeLine) {
        let (listener, isOver) = state.withLock { state in
            state.line = line
            return (state.listener, state.stage.isOver)
        }
        // The client left while its connection was taken over.
        guard let listener, !isOver else { return line.end([]) }
        listener.set(follower: self)
        line.follow { news in
            switch news {
            case .room: self.heard()
            case .gone: self.end()
            }
        }
        heard()
    }

    /// Writes what is to be sent, as far as the client has room for it.
    func heard() {
        let isOver = state.withLock { state in
            guard let line = state.line, let listener = state.listener, !state.stage.isOver else { return false }
            while let next = listener.take(room: line.hasRoom) {
                switch next {
                case .event(let event): if isNew(event, &state) { line.write(event.text) }
                case .ended(let ending):
                    line.end(EventText.word(ending.rawValue))
                    state.stage = .over
                    return true
                case .silence: break
                }
            }
            return false
        }
        if isOver { end() }
    }

    func look(at now: ContinuousClock.Instant) {
        let isOver = state.withLock { state in
            guard let line = state.line, !state.stage.isOver else { return false }
            if now >= endsAt {
                line.end(EventText.word(EventListener.Ending.bye.rawValue))
                state.stage = .over
                return true
            }
            if now >= state.heartbeatAt, line.hasRoom {
                state.heartbeatAt = now + relay.limits.heartbeat
                line.write(EventText.heartbeat)
            }
            return false
        }
        if isOver { end() }
    }

    func credentialDue(at now: ContinuousClock.Instant) -> UUIDBits? {
        state.withLock { state in
            guard now >= state.lookAt else { return nil }
            state.lookAt = now + relay.limits.heartbeat
            return caller.credential
        }
    }
}
