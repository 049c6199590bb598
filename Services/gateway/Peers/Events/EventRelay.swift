package import Contracts
package import Logging
import RPC
import Synchronization

/// Reads events from scrobble, with one request for all listeners here, and passes them on.
package final class EventRelay: Sendable {
    private struct State {
        var listeners: [UserID: [ObjectIdentifier: EventListener]] = [:]
        var count = 0
        /// The place up to which events were passed on; nil until the first answer, before which no stream can begin.
        var place: String?
        var isDraining = false
    }

    private let scrobble: ScrobbleClient
    private let accounts: Accounts
    let limits: EventLimits
    private let logger: Logger
    private let state = Mutex(State())

    package init(scrobble: ScrobbleClient, accounts: Accounts, logger: Logger) {
        self.scrobble = scrobble
        self.accounts = accounts
        self.logger = logger
        limits = EventLimits()
    }

    /// Runs until its task is cancelled. After an outage it continues where it was.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.tick() }
            group.addTask { await self.lookAfterCredentials() }
            await read()
            group.cancelAll()
        }
    }

    /// Wakes listeners that have waited long enough.
    private func tick() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: limits.tick)
            let now = ContinuousClock.now
            for listener in everybody { listener.expire(at: now) }
        }
    }

    private var everybody: [EventListener] { state.withLock { $0.listeners.values.flatMap(\.values) } }

    /// Ends streams whose session or key has ended, with one query for many. If the query fails, they continue.
    private func lookAfterCredentials() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: limits.tick)
            let now = ContinuousClock.now
            let due = everybody.compactMap { listener in
                listener.follower?.credentialDue(at: now).map { (credential: $0, listener: listener) }
            }
            for start in stride(from: 0, to: due.count, by: limits.credentialsMax) {
                let some = due[start..<min(start + limits.credentialsMax, due.count)]
                guard let alive = try? await accounts.alive(Set(some.map(\.credential))) else { continue }
                for (credential, listener) in some where !alive.contains(credential) {
                    listener.end(.bye, isAtOnce: true)
                }
            }
        }
    }

    /// Whether a session or key is still valid; true if that cannot be determined.
    func isAlive(_ credential: UUIDBits) async -> Bool {
        (try? await accounts.alive([credential]))?.contains(credential) ?? true
    }

    private func read() async {
        var place: String?
        var pause = limits.retryMin
        while !Task.isCancelled {
            do throws(RPCError) {
                let params = EventsParams(
                    after: place, waitSeconds: place == nil ? nil : Int(limits.wait.components.seconds))
                let feed = try await scrobble.events(params, RPCCall.within(limits.wait + limits.waitMargin))
                place = feed.next
                pause = limits.retryMin
                hand(on: feed)
            } catch {
                if Task.isCancelled { return }
                logger.warning("failed to read events", metadata: ["cause": "\(error.message)"])
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, limits.retryMax)
            }
        }
    }

    private func hand(on feed: EventFeed) {
        let found = state.withLock { state in
            state.place = feed.next
            return feed.events.flatMap { event in
                guard let listeners = state.listeners[event.user] else {
                    return [(event: ReadyEvent, listener: EventListener)]()
                }
                let ready = ReadyEvent(event)
                return listeners.values.map { (event: ready, listener: $0) }
            }
        }
        for (event, listener) in found { listener.push(event) }
    }

    /// Waits for the first answer of scrobble, at most `EventLimits.openMax`: a browser does not retry a refused
    /// stream. Throws `unavailable` without one and at shutdown, `overloaded` and `tooMany` for too many streams.
    func admit(_ user: UserID) async throws(RPCError) {
        let end = ContinuousClock.now + limits.openMax
        while state.withLock({ $0.place == nil && !$0.isDraining }), ContinuousClock.now < end {
            do { try await Task.sleep(for: limits.openPoll) } catch { break }
        }
        if let refusal = state.withLock({ refusal(user, $0) }) { throw refusal }
    }

    private func refusal(_ user: UserID, _ state: State) -> RPCError? {
        if state.isDraining || state.place == nil { return .unavailable("events are currently unavailable") }
        if state.count == limits.listenersMax { return .overloaded("too many streams are open") }
        if (state.listeners[user]?.count ?? 0) == limits.listenersOfPersonMax {
            return .tooMany("you already have \(limits.listenersOfPersonMax) streams open")
        }
        return nil
    }

    /// Begins to listen to what happens after the returned place. Throws like `admit`.
    func listen(for user: UserID) throws(RPCError) -> (listener: EventListener, place: String) {
        let listener = EventListener(bufferedMax: limits.bufferedMax)
        let begun: Result<String, RPCError> = state.withLock { state in
            if let refused = refusal(user, state) { return .failure(refused) }
            state.listeners[user, default: [:]][ObjectIdentifier(listener)] = listener
            state.count += 1
            return .success(state.place ?? "")
        }
        return (listener, try begun.get())
    }

    func leave(_ listener: EventListener, of user: UserID) {
        listener.set(follower: nil)
        listener.end(.gone)
        state.withLock { state in
            guard state.listeners[user]?.removeValue(forKey: ObjectIdentifier(listener)) != nil else { return }
            if state.listeners[user]?.isEmpty == true { state.listeners[user] = nil }
            state.count -= 1
        }
    }

    /// Ends all streams; their clients go to another copy.
    package func drain() {
        let listeners = state.withLock { state in
            state.isDraining = true
            return state.listeners.values.flatMap(\.values)
        }
        for listener in listeners { listener.end(.bye) }
    }
}
