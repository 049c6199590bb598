import Contracts
import Store
import Synchronization

/// For whom providers are asked in the current task.
struct ProviderTurn: Sendable {
    /// A call whose turn has not come by then is not made.
    let deadline: ContinuousClock.Instant
    /// Whether nobody waits for the answer: callers that wait go first, and part of a day's calls is reserved for them.
    let isBackground: Bool
    /// Whether it is about an episode. A history holds thousands of them, so they get a smaller part of a day's calls.
    var isOfEpisode = false

    /// Returns the same turn, for a title of that kind.
    func about(_ kind: SubjectKind) -> ProviderTurn {
        var turn = self
        turn.isOfEpisode = kind == .episode
        return turn
    }

    @TaskLocal static var current: ProviderTurn?
}

/// The gate of one provider: it limits concurrent calls, keeps the pace that all replicas share, and lets none pass
/// while the provider is left alone.
final class SharedGate: ProviderGate {
    private enum Line {
        case permits, places
    }

    private struct State {
        var inFlight = 0
        var waiting = TurnQueue()
        /// Permit holders that wait for places.
        var waitingForPlaces = TurnQueue()
        var places = PlaceBook()
        var isLeasing = false
        var standing = ProviderStanding()
        var answerNotedAt: ContinuousClock.Instant?
        var nextID: UInt64 = 0

        subscript(line: Line) -> TurnQueue {
            get { line == .permits ? waiting : waitingForPlaces }
            set { if line == .permits { waiting = newValue } else { waitingForPlaces = newValue } }
        }
    }

    private enum Step {
        case go
        case rest(until: ContinuousClock.Instant, leasing: Int64?)
        case lease(Int64)
        case wait
    }

    let profile: ProviderProfile
    private let line: PaceLine
    private let limits: GateLimits
    private let store: MetadataStore
    private let clock: any WallClock
    private let state = Mutex(State())

    /// `pacePercent` makes everything slower (below 100) or faster (above 100) than the provider's own pace.
    init(
        _ profile: ProviderProfile, store: MetadataStore, clock: any WallClock, pacePercent: Int = 100,
        limits: GateLimits = GateLimits()
    ) {
        self.profile = profile
        self.store = store
        self.clock = clock
        self.limits = limits
        line = PaceLine(
            callsPerInterval: profile.pace.calls * pacePercent, interval: profile.pace.interval * 100,
            dailyCallsMax: profile.pace.dailyCallsMax.map { max(1, $0 * pacePercent / 100) })
    }

    /// On a slow line, a call may come later without coming too close to the next.
    private var lateMax: Duration {
        max(limits.lateMax, profile.pace.interval * Int(PaceLine.lateThousandths) / 1_000)
    }

    private var blockMax: Int64 { max(1, limits.ahead.milliseconds * 1_000 / line.stepMicroseconds) }

    func enter() async throws(ProviderError) {
        let turn = ProviderTurn.current ?? ProviderTurn(deadline: .now + limits.waitMax, isBackground: false)
        try refuseWhileResting()
        guard await takePermit(turn) else { throw .busy }
        do throws(ProviderError) {
            try await takePlace(turn)
        } catch {
            leave()
            throw error
        }
    }

    func leave() {
        let next = state.withLock { state in
            state.inFlight -= 1
            return admit(&state)
        }
        for one in next { one.resume(returning: true) }
    }

    /// Returns those who waited for a permit and have one now: more than one if a trial has just ended.
    private func admit(_ state: inout State) -> [TurnQueue.Continuation] {
        var admitted: [TurnQueue.Continuation] = []
        while state.inFlight < inFlightMax(state), let next = state.waiting.popFirst() {
            state.inFlight += 1
            admitted.append(next)
        }
        return admitted
    }

    private func inFlightMax(_ state: borrowing State) -> Int {
        state.standing.isOnTrial ? 1 : profile.pace.inFlightMax
    }

    private func refuseWhileResting() throws(ProviderError) {
        let now = clock.now.microsecondsSinceEpoch / 1_000
        let refusal = state.withLock { $0.standing.isOpen(at: now) ? nil : $0.standing.state }
        if let refusal { throw .resting(refusal) }
    }

    // MARK: Permits

    /// Waits for a permit; returns false if the task is cancelled or too many wait.
    private func takePermit(_ turn: ProviderTurn) async -> Bool {
        await wait(.permits, isBackground: turn.isBackground) { [limits] state in
            if state.inFlight < inFlightMax(state), state.waiting.isEmpty {
                state.inFlight += 1
                return true
            }
            return state.waiting.count < limits.waitersMax ? nil : false
        }
    }

    /// Waits in `line` unless `now` decides at once.
    private func wait(
        _ line: Line, isBackground: Bool, now: (inout State) -> Bool?
    ) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // The handler below may have run before there was anything to remove.
                    if Task.isCancelled { return false }
                    if let answer = now(&state) { return answer }
                    state[line].append(continuation, id: id, isBackground: isBackground)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { $0[line].remove(id) }
            waiter?.resume(returning: false)
        }
    }

    // MARK: Places

    private func takePlace(_ turn: ProviderTurn) async throws(ProviderError) {
        while true {
            switch state.withLock({ nextStep(&$0, at: .now) }) {
            case .go:
                return try refuseWhileResting()
            case .rest(let place, let leasing):
                if let leasing { try? await lease(leasing, turn) }
                let isAwake = (try? await Task.sleep(until: place, tolerance: .zero)) != nil
                state.withLock { $0.places.wake() }
                guard isAwake else { throw .busy }
            case .lease(let count):
                try await lease(count, turn)
                try refuseWhileResting()
            case .wait:
                let isServed = await wait(.places, isBackground: false) { state in
                    state.isLeasing ? nil : true
                }
                guard isServed else { throw .busy }
            }
        }
    }

    private func nextStep(_ state: inout State, at now: ContinuousClock.Instant) -> Step {
        let wanted = Int64(state.waitingForPlaces.count + state.waiting.count)
        switch state.places.next(at: now, lateMax: lateMax) {
        case .go: return .go
        case .rest(let place):
            let isLow = Int64(state.places.freeCount) * 3 <= blockMax && wanted > 0 && !state.isLeasing && blockMax > 1
            if isLow { state.isLeasing = true }
            return .rest(until: place, leasing: isLow ? min(wanted, blockMax) : nil)
        case .empty: break
        }
        if state.isLeasing { return .wait }
        state.isLeasing = true
        return .lease(min(wanted + 1, blockMax))
    }

    /// Takes places from the line that the replicas share, for all who wait here.
    private func lease(_ count: Int64, _ turn: ProviderTurn) async throws(ProviderError) {
        let wait = max(.zero, turn.deadline - .now)
        let reserved = (line.dailyCallsMax ?? 0) * Int64(reservedPercent(turn)) / 100
        let granted: PlacesGranted?
        do throws(StoreError) {
            granted = try await store.takePlaces(
                count, of: profile.provider, on: line, waitMicroseconds: wait.milliseconds * 1_000, reserved: reserved,
                until: turn.deadline)
        } catch {
            granted = nil
        }
        let waiting = state.withLock { state in
            state.isLeasing = false
            if let granted {
                if granted.standing.isNewer(than: state.standing) { state.standing = granted.standing }
                // Counted from when we learn of them, so that those of one lease never come closer together.
                let first = ContinuousClock.now + .microseconds(granted.aheadMicroseconds)
                for place in 0..<granted.count {
                    state.places.append(first + .microseconds(place * line.stepMicroseconds))
                }
            }
            return state.waitingForPlaces.removeAll()
        }
        for waiter in waiting { waiter.resume(returning: true) }
        guard let granted, granted.count > 0 else {
            if granted?.isDayUsedUp == true {
                // The provider still serves others: that a part is reserved for them says nothing of its standing.
                throw reserved > 0
                    ? .reserved(untilMilliseconds: nextDayMilliseconds)
                    : .quota(untilMilliseconds: nextDayMilliseconds)
            }
            throw .busy
        }
    }

    private func reservedPercent(_ turn: ProviderTurn) -> Int {
        guard turn.isBackground else { return 0 }
        return turn.isOfEpisode ? limits.reservedFromEpisodesPercent : limits.reservedPercent
    }

    private var nextDayMilliseconds: Int64 {
        (clock.now.microsecondsSinceEpoch / PaceLine.dayMicroseconds + 1) * PaceLine.dayMicroseconds / 1_000
    }

    // MARK: Standing

    /// Records how asking the provider ended, and tells the other replicas if it matters to them.
    func note(_ error: ProviderError?) async {
        let now = clock.now.microsecondsSinceEpoch / 1_000
        guard let error, error != .notFound else {
            if case .none = error { await noteAnswer(at: now) }
            return
        }
        let rest = profile.restAfterRefusal.milliseconds
        let standing = state.withLock { state -> ProviderStanding? in
            guard let standing = state.standing.failed(error, at: now, rest: rest) else { return nil }
            state.standing = standing
            return standing
        }
        // If the database is unreachable, at least this replica knows.
        if let standing { try? await store.noteFailure(standing, of: profile.provider, until: .now + .seconds(5)) }
    }

    private func noteAnswer(at now: Int64) async {
        let (isDue, next) = state.withLock { state in
            let wasFailing = state.standing.failures > 0
            if wasFailing, state.standing.isOpen(at: now) { state.standing = state.standing.answered() }
            let isOld = state.answerNotedAt.map { .now - $0 > limits.noteInterval } ?? true
            if wasFailing || isOld { state.answerNotedAt = .now }
            return (wasFailing || isOld, admit(&state))
        }
        for one in next { one.resume(returning: true) }
        if isDue { try? await store.noteAnswer(of: profile.provider, until: .now + .seconds(5)) }
    }
}

/// A queue of callers: foreground ones first, then background ones, each in order.
struct TurnQueue: Sendable {
    typealias Continuation = CheckedContinuation<Bool, Never>

    private var waiting: [UInt64: Continuation] = [:]
    private var orders: [[UInt64]] = [[], []]
    private var heads = [0, 0]

    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }

    mutating func append(_ continuation: Continuation, id: UInt64, isBackground: Bool) {
        waiting[id] = continuation
        orders[isBackground ? 1 : 0].append(id)
    }

    mutating func remove(_ id: UInt64) -> Continuation? { waiting.removeValue(forKey: id) }

    mutating func popFirst() -> Continuation? {
        for lane in 0...1 {
            while heads[lane] < orders[lane].count {
                let id = orders[lane][heads[lane]]
                heads[lane] += 1
                if heads[lane] > 256, heads[lane] * 2 > orders[lane].count {
                    orders[lane].removeFirst(heads[lane])
                    heads[lane] = 0
                }
                if let continuation = waiting.removeValue(forKey: id) { return continuation }
            }
        }
        return nil
    }

    mutating func removeAll() -> [Continuation] {
        var all: [Continuation] = []
        while let next = popFirst() { all.append(next) }
        return all
    }
}

extension ProviderProfile {
    /// Returns the same provider at another pace, without a daily limit.
    func paced(callsPerSecond calls: Int) -> ProviderProfile {
        ProviderProfile(
            provider, name: name, attribution: attribution, link: link, needs: needs, isOnByDefault: isOnByDefault,
            baseURL: baseURL, kinds: kinds, sources: sources,
            pace: Pace(calls: calls, per: .seconds(1), inFlightMax: 16), keeping: keeping, mayRetry: mayRetry,
            restAfterRefusal: restAfterRefusal)
    }
}
