/// Decides which connection does what: lanes, leases, growth, backoff and the circuit breaker. Pure: no I/O, no clock.
///
/// Each slot goes vacant → connecting → idle ⇄ (shared | leased) → vacant. Statements are known only by their id.
struct PGPoolMachine: Sendable {
    typealias Instant = ContinuousClock.Instant

    enum Purpose: Int, Sendable, CaseIterable {
        case read, write, solo, lease
        /// Rerun, each with a Sync of its own, after a neighbour's error or a lost connection.
        case rereads, rewrites
    }

    enum Action: Sendable, Equatable {
        case connect(slot: Int)
        /// One pipeline batch; `separately` puts a Sync after each statement.
        case run(slot: Int, purpose: Purpose, ids: [Int], separately: Bool)
        case grant(slot: Int, id: Int)
        case close(slot: Int)
        /// The circuit is open: these will not be served.
        case refuse(ids: [Int])
    }

    enum Slot: Sendable, Equatable {
        /// → connecting
        case vacant
        /// → idle (connected), vacant (connectFailed)
        case connecting
        /// → shared, leased, vacant (lost, idle for too long)
        case idle(since: Instant)
        /// → idle (finished), vacant (lost)
        case shared(Purpose, since: Instant)
        /// → idle (finished), vacant (lost)
        case leased
    }

    enum Admission: Sendable, Equatable { case accepted, overloaded, unavailable, closed }

    let limits: PGLimits
    private(set) var slots: [Slot]
    private(set) var actions: [Action] = []
    /// Statements that wait for a connection, with their purpose; an id in `queues` but not in here has been withdrawn.
    private var waiting: [Int: Purpose] = [:]
    private var queues = PGPoolMachine.emptyQueues
    private(set) var failureCount = 0
    // How many slots are in each state; cached because every statement needs them. `openCount` includes connecting
    // slots.
    private var openCount = 0
    private var connectingCount = 0
    private var idleCount = 0
    private var leasedCount = 0
    private var retryAt: Instant?
    private(set) var isClosed = false
    private var random: UInt64
    private static let emptyQueues = [PGQueue<Int>](repeating: PGQueue(), count: Purpose.allCases.count)

    init(limits: PGLimits, seed: UInt64) {
        self.limits = limits
        slots = Array(repeating: .vacant, count: max(2, limits.connectionsMax))
        random = seed
    }

    var waitingCount: Int { waiting.count }
    /// Whether connection attempts fail and no connection is left; while one lives it serves what comes.
    var isOpen: Bool { failureCount >= limits.breakerFailuresMax && openCount == connectingCount }

    mutating func takeActions() -> [Action] {
        guard !actions.isEmpty else { return [] }
        defer { actions = [] }
        return actions
    }

    // MARK: Inputs

    mutating func submit(_ id: Int, _ purpose: Purpose, now: Instant) -> Admission {
        let admission = enqueue(id, purpose)
        if admission == .accepted { schedule(now: now) }
        return admission
    }

    /// Accepts a statement without deciding anything yet; `schedule` must follow.
    mutating func enqueue(_ id: Int, _ purpose: Purpose) -> Admission {
        if isClosed { return .closed }
        if isOpen { return .unavailable }
        let isRerun = purpose == .rereads || purpose == .rewrites
        guard isRerun || waiting.count < limits.waitersMax else { return .overloaded }
        waiting[id] = purpose
        queues[purpose.rawValue].append(id)
        return .accepted
    }

    /// Returns true if the statement was still waiting; it no longer is.
    mutating func withdraw(_ id: Int) -> Bool { waiting.removeValue(forKey: id) != nil }

    mutating func connected(_ slot: Int, now: Instant) {
        guard case .connecting = slots[slot] else { return }
        failureCount = 0
        retryAt = nil
        set(slot, .idle(since: now))
        schedule(now: now)
    }

    mutating func connectFailed(_ slot: Int, now: Instant) {
        guard case .connecting = slots[slot] else { return }
        set(slot, .vacant)
        failureCount += 1
        let doubled = limits.reconnectMin * (1 << min(failureCount - 1, 20))
        let wait = min(doubled, limits.reconnectMax)
        retryAt = now + wait * (0.5 + 0.5 * nextUnit())
        if isOpen, !waiting.isEmpty {
            actions.append(.refuse(ids: waiting.keys.sorted()))
            waiting = [:]
            queues = Self.emptyQueues
        }
        schedule(now: now)
    }

    /// Records that the batch or lease on `slot` ended and its connection is fit for more.
    mutating func finished(_ slot: Int, now: Instant) {
        switch slots[slot] {
        case .shared, .leased: set(slot, .idle(since: now))
        case .vacant, .connecting, .idle: return
        }
        schedule(now: now)
    }

    /// Records that the connection on `slot` is gone. If that opens the circuit, the next connection attempt decides
    /// what happens to the waiting statements.
    mutating func lost(_ slot: Int, now: Instant) {
        switch slots[slot] {
        case .vacant, .connecting: return
        case .idle, .shared, .leased: set(slot, .vacant)
        }
        schedule(now: now)
    }

    mutating func tick(now: Instant) {
        for slot in slots.indices.reversed() where openCount > limits.connectionsMin {
            guard case .idle(let since) = slots[slot], since + limits.idleClose <= now else { continue }
            set(slot, .vacant)
            actions.append(.close(slot: slot))
        }
        schedule(now: now)
    }

    /// Refuses waiting and new statements; running ones may finish.
    mutating func close() {
        isClosed = true
        if !waiting.isEmpty { actions.append(.refuse(ids: waiting.keys.sorted())) }
        waiting = [:]
        queues = Self.emptyQueues
    }

    /// The next time at which `tick` has something to do, unless another input comes first.
    func nextTick(after now: Instant) -> Instant? {
        guard !isClosed else { return nil }
        var earliest: Instant?
        func consider(_ moment: Instant?) {
            guard let moment, moment > now else { return }
            earliest = min(earliest ?? moment, moment)
        }
        consider(retryAt)
        for slot in slots {
            switch slot {
            case .idle(let since) where openCount > limits.connectionsMin: consider(since + limits.idleClose)
            case .shared(_, let since) where !waiting.isEmpty: consider(since + limits.laneStall)
            case .idle, .shared, .vacant, .connecting, .leased: continue
            }
        }
        return earliest
    }

    // MARK: Decisions

    mutating func schedule(now: Instant) {
        guard !isClosed else { return }
        if !waiting.isEmpty, idleCount > 0 {
            grantLeases()
            runLane(.solo, lanesMax: .max, batchMax: 1, now: now)
            runLane(.rewrites, lanesMax: limits.writeLanesMax, batchMax: 16, now: now)
            runLane(.rereads, lanesMax: limits.readLanesMax, batchMax: 16, now: now)
            runLane(.write, lanesMax: limits.writeLanesMax, batchMax: limits.writeBatchMax, now: now)
            runLane(.read, lanesMax: limits.readLanesMax, batchMax: limits.readBatchMax, now: now)
        }
        grow(now: now)
    }

    private mutating func grantLeases() {
        while leasedCount < limits.leasesMax, count(.lease) > 0, let slot = idleSlot(), let id = pop(.lease) {
            set(slot, .leased)
            actions.append(.grant(slot: slot, id: id))
        }
    }

    private mutating func runLane(_ purpose: Purpose, lanesMax: Int, batchMax: Int, now: Instant) {
        while count(purpose) > 0, idleCount > 0, hasLane(purpose, lanesMax, now: now), let slot = idleSlot() {
            var ids: [Int] = []
            while ids.count < batchMax, let id = pop(purpose) { ids.append(id) }
            guard !ids.isEmpty else { return }
            set(slot, .shared(purpose, since: now))
            let separately = purpose == .rereads || purpose == .rewrites
            actions.append(.run(slot: slot, purpose: purpose, ids: ids, separately: separately))
        }
    }

    /// Opens connections for what could run if it had one; after a failure one at a time, and not before `retryAt`.
    private mutating func grow(now: Instant) {
        guard openCount < slots.count, isOpen || !waiting.isEmpty || openCount < limits.connectionsMin else { return }
        var wanted = isOpen ? 1 : 0
        if !waiting.isEmpty {
            wanted += min(count(.lease), max(0, limits.leasesMax - leasedCount)) + count(.solo)
            wanted += lanesWanted(.read, limits.readLanesMax, now: now)
            wanted += lanesWanted(.write, limits.writeLanesMax, now: now)
            wanted += lanesWanted(.rereads, limits.readLanesMax, now: now)
            wanted += lanesWanted(.rewrites, limits.writeLanesMax, now: now)
        }
        wanted = max(wanted - connectingCount, limits.connectionsMin - openCount)
        if failureCount > 0 {
            guard connectingCount == 0, now >= (retryAt ?? now) else { return }
            wanted = min(wanted, 1)
            retryAt = nil
        }
        guard wanted > 0 else { return }
        for slot in slots.indices where wanted > 0 {
            guard case .vacant = slots[slot] else { continue }
            set(slot, .connecting)
            actions.append(.connect(slot: slot))
            wanted -= 1
        }
    }

    private func lanesWanted(_ purpose: Purpose, _ lanesMax: Int, now: Instant) -> Int {
        count(purpose) > 0 ? max(0, lanesMax - activeLanes(purpose, now: now)) : 0
    }

    private mutating func set(_ slot: Int, _ state: Slot) {
        tally(slots[slot], -1)
        slots[slot] = state
        tally(state, 1)
    }

    private mutating func tally(_ state: Slot, _ change: Int) {
        switch state {
        case .vacant: return
        case .connecting: connectingCount += change
        case .idle: idleCount += change
        case .shared: break
        case .leased: leasedCount += change
        }
        openCount += change
    }

    /// Whether one more batch may run. While there are fewer batches than lanes, their purpose need not be checked.
    private func hasLane(_ purpose: Purpose, _ lanesMax: Int, now: Instant) -> Bool {
        let sharedCount = openCount - connectingCount - idleCount - leasedCount
        return sharedCount < lanesMax || activeLanes(purpose, now: now) < lanesMax
    }

    /// The number of lanes that are busy and not stalled.
    private func activeLanes(_ purpose: Purpose, now: Instant) -> Int {
        var count = 0
        for slot in slots {
            if case .shared(let other, let since) = slot, other == purpose, now < since + limits.laneStall {
                count += 1
            }
        }
        return count
    }

    /// The lowest idle slot, so that the others can age and be closed.
    private func idleSlot() -> Int? {
        guard idleCount > 0 else { return nil }
        return slots.firstIndex {
            if case .idle = $0 { return true }
            return false
        }
    }

    private func count(_ purpose: Purpose) -> Int { queues[purpose.rawValue].count }

    private mutating func pop(_ purpose: Purpose) -> Int? {
        while let id = queues[purpose.rawValue].popFirst() {
            if waiting.removeValue(forKey: id) != nil { return id }
        }
        return nil
    }

    /// splitmix64, mapped to 0..<1.
    private mutating func nextUnit() -> Double {
        random &+= 0x9e37_79b9_7f4a_7c15
        var mixed = random
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ (mixed >> 31)) >> 11) / 9_007_199_254_740_992
    }
}

/// A first-in, first-out queue with amortised constant time at both ends.
struct PGQueue<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var count: Int { elements.count - head }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            head += 1
            if head == elements.count {
                elements.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 1_024, head * 2 >= elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}
