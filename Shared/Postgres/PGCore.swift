/// The pool's state, guarded by a lock: the machine, the connections and the calls in progress. Whoever holds the lock
/// drives it, a submitting task or the loop's thread; nothing in here blocks.
struct PGCore: ~Copyable {
    typealias Instant = ContinuousClock.Instant

    /// One connection and what it is doing.
    final class Line {
        enum Phase { case vacant, resolving, connecting, ready }

        var phase = Phase.vacant
        var generation: UInt32 = 0
        var connection: PGConnection?
        var descriptor: Int32 = -1
        var interest: PGPoller.Interest = []
        var connectingSince: Instant?
        /// The calls of the batch in flight.
        var members: [Int] = []
        /// The statements of the batch, each with the range of members it serves.
        var parts: [(calls: Range<Int>, preparedKey: UInt64)] = []
        var purpose: PGPoolMachine.Purpose = .read
        var sentAt: Instant?
        var cancels = PGCancelPlan()
        var isCancelUnderWay = false
        var wasCancelled = false
        /// Whether the thread that sent a statement is polling for its answer, so that the loop does not.
        var isWatched = false
        /// Whether the line is leased; `pending` then holds statements that wait for the batch in flight.
        var isLeased = false
        var pending: [PGRequest] = []
        var copy: PGCopyRequest?
        var copyOffset = 0
        var isCopyEndSent = false
        var copyResult: PGResult?
        var sink: PGNotificationSink?
        var opener: PGLeaseRequest?
    }

    let configuration: PGConfiguration
    let poller: PGPoller
    let observes: Bool
    var limits: PGLimits { configuration.limits }
    var machine: PGPoolMachine
    /// One line for each of the pool's slots, followed by those for LISTEN.
    var lines: [Line]
    /// The calls in progress.
    var tracked: [Int: PGRequest] = [:]
    /// Calls that have ended and whose callers have yet to be resumed.
    var settled: [PGRequest] = []
    var leaseRequests: [Int: PGLeaseRequest] = [:]
    var outputs: [PGCoreOutput] = []
    var counters = PGPoolSnapshot()
    /// A lower bound for the deadlines of all calls in progress.
    var deadlineBound: Instant?
    /// When the loop wakes by itself; nil if it sleeps until it is woken.
    var loopWake: Instant?
    var splitAllowedAt: Instant?
    /// The number of batches sent when the loop last planned its sleep.
    var batchesSeen = 0
    var watching = PGWatchRule()
    var isShutDown = false

    init(_ configuration: PGConfiguration, poller: PGPoller, observes: Bool, seed: UInt64) {
        self.configuration = configuration
        self.poller = poller
        self.observes = observes
        machine = PGPoolMachine(limits: configuration.limits, seed: seed)
        let count = machine.slots.count + configuration.limits.listenersMax
        lines = (0..<count).map { _ in Line() }
    }

    // MARK: Commands

    /// Handles one command; `perform` must follow.
    mutating func handle(_ command: PGCoreCommand, now: Instant) {
        switch command {
        case .submit(let request): submit(request, now: now)
        case .lease(let request): lease(request, now: now)
        case .leased(let token, let requests): run(requests, on: token, now: now)
        case .copy(let token, let request): copy(request, on: token, now: now)
        case .release(let token): release(token, now: now)
        case .cancel(let id): stop(id, .cancelled, now: now)
        case .resolved(let token, let addresses): resolved(token, addresses, now: now)
        case .cancelSent(let token): cancelSent(token, now: now)
        case .shutDown: shutDown(now: now)
        }
    }

    private mutating func submit(_ request: PGRequest, now: Instant) {
        tracked[request.id] = request
        bound(request.deadline)
        enqueue(request, purpose(of: request), now: now)
    }

    private func purpose(of request: PGRequest) -> PGPoolMachine.Purpose {
        switch request.text.kind {
        case .read: .read
        case .write: .write
        case .solo: .solo
        }
    }

    private mutating func enqueue(_ request: PGRequest, _ purpose: PGPoolMachine.Purpose, now: Instant) {
        let admission = machine.enqueue(request.id, purpose)
        guard admission != .accepted else { return }
        complete(request.id, .failure(refusal(admission)), now: now)
    }

    private func refusal(_ admission: PGPoolMachine.Admission) -> PGError {
        switch admission {
        case .overloaded: PGError(.overloaded, "more than \(limits.waitersMax) statements are waiting")
        case .closed: PGError(.closed, "the pool is shut down")
        case .unavailable, .accepted: PGError(.unavailable, "Postgres cannot be reached")
        }
    }

    private mutating func lease(_ request: PGLeaseRequest, now: Instant) {
        bound(request.deadline)
        guard request.sink == nil else { return openListener(request, now: now) }
        leaseRequests[request.id] = request
        let admission = machine.enqueue(request.id, .lease)
        guard admission != .accepted else { return }
        leaseRequests[request.id] = nil
        outputs.append(.granted(request, .failure(refusal(admission))))
    }

    private mutating func openListener(_ request: PGLeaseRequest, now: Instant) {
        let free = lines.indices.dropFirst(machine.slots.count).first { lines[$0].phase == .vacant }
        guard let free, !isShutDown else {
            let error = PGError(isShutDown ? .closed : .overloaded, "no more listeners can be opened")
            return outputs.append(.granted(request, .failure(error)))
        }
        lines[free].sink = request.sink
        lines[free].opener = request
        lines[free].isLeased = true
        connect(free, now: now)
    }

    private mutating func release(_ token: PGSlotToken, now: Instant) {
        let slot = token.slot
        guard lines[slot].generation == token.generation, lines[slot].isLeased else { return }
        lines[slot].isLeased = false
        let isFit =
            lines[slot].sink == nil && lines[slot].members.isEmpty && lines[slot].copy == nil
            && lines[slot].connection?.isOutsideTransaction == true
        guard isFit else { return retire(slot, now: now) }
        settleIdle(slot, now: now)
    }

    private mutating func shutDown(now: Instant) {
        isShutDown = true
        machine.close()
        for slot in lines.indices where lines[slot].phase != .vacant {
            if lines[slot].members.isEmpty, !lines[slot].isLeased || lines[slot].sink != nil { retire(slot, now: now) }
        }
    }

    var isQuiet: Bool { lines.allSatisfy { $0.phase == .vacant } }

    // MARK: The machine's actions

    mutating func perform(now: Instant) {
        machine.schedule(now: now)
        while true {
            let actions = machine.takeActions()
            if actions.isEmpty { return }
            for action in actions {
                switch action {
                case .connect(let slot): connect(slot, now: now)
                case .run(let slot, let purpose, let ids, let separately):
                    start(slot, purpose, ids, separately: separately, now: now)
                case .grant(let slot, let id): grant(slot, id, now: now)
                case .close(let slot): retire(slot, now: now)
                case .refuse(let ids): refuse(ids, now: now)
                }
            }
        }
    }

    private mutating func refuse(_ ids: [Int], now: Instant) {
        let error = refusal(machine.isClosed ? .closed : .unavailable)
        for id in ids {
            if let request = leaseRequests.removeValue(forKey: id) {
                outputs.append(.granted(request, .failure(error)))
            } else {
                complete(id, .failure(error), now: now)
            }
        }
    }

    private mutating func grant(_ slot: Int, _ id: Int, now: Instant) {
        guard let request = leaseRequests.removeValue(forKey: id) else { return machine.finished(slot, now: now) }
        guard lines[slot].phase == .ready else {
            // Closed after the machine had chosen it.
            outputs.append(.granted(request, .failure(refusal(isShutDown ? .closed : .unavailable))))
            return machine.finished(slot, now: now)
        }
        lines[slot].isLeased = true
        outputs.append(.granted(request, .success(token(of: slot))))
    }

    func token(of slot: Int) -> PGSlotToken { PGSlotToken(slot: slot, generation: lines[slot].generation) }

    private mutating func start(
        _ slot: Int, _ purpose: PGPoolMachine.Purpose, _ ids: [Int], separately: Bool, now: Instant
    ) {
        lines[slot].purpose = purpose
        let isRead = purpose == .read || purpose == .rereads
        var requests = ids.compactMap { tracked[$0] }
        if purpose == .write, requests.count > 1 {
            // One order for all groups, so that no two of them lock the same rows in opposite orders.
            requests.sort {
                $0.text.hash == $1.text.hash
                    ? $0.parameters.bytes.lexicographicallyPrecedes($1.parameters.bytes) : $0.text.hash < $1.text.hash
            }
        }
        let statements = separately ? requests.map(PGWireStatement.init) : PGWireStatement.gather(&requests)
        let isApart = separately || requests.contains { $0.text.isAlone }
        send(requests, statements, on: slot, rule: isRead ? .reads : .writes, separately: isApart, now: now)
    }

    /// Runs statements of a leased connection; those that wait while a batch is in flight travel together afterwards.
    private mutating func run(_ requests: [PGRequest], on token: PGSlotToken, now: Instant) {
        for request in requests {
            tracked[request.id] = request
            bound(request.deadline)
        }
        let slot = token.slot
        guard lines[slot].generation == token.generation, lines[slot].isLeased else {
            for request in requests {
                complete(request.id, .failure(PGError(.connectionLost, "the leased connection is gone")), now: now)
            }
            return
        }
        lines[slot].pending += requests
        sendPending(slot, now: now)
    }

    mutating func sendPending(_ slot: Int, now: Instant) {
        guard lines[slot].members.isEmpty, !lines[slot].isCancelUnderWay, !lines[slot].pending.isEmpty else { return }
        let requests = lines[slot].pending
        lines[slot].pending = []
        send(requests, requests.map(PGWireStatement.init), on: slot, rule: .leased, separately: false, now: now)
    }

    /// Sends `statements`, which serve `requests` in their order.
    private mutating func send(
        _ requests: [PGRequest], _ statements: [PGWireStatement], on slot: Int, rule: PGBatch.Rule, separately: Bool,
        now: Instant
    ) {
        guard let connection = lines[slot].connection, !requests.isEmpty else {
            // Closed after the machine had chosen it.
            let error = isShutDown ? refusal(.closed) : PGError(.connectionLost, "connection closed")
            for request in requests { complete(request.id, .failure(error), now: now) }
            if slot < machine.slots.count { machine.finished(slot, now: now) }
            return
        }
        let line = lines[slot]
        line.members = requests.map(\.id)
        var start = 0
        line.parts = statements.map { statement in
            defer { start += statement.callCount }
            return (start..<start + statement.callCount, statement.preparedKey)
        }
        line.sentAt = now
        line.cancels = PGCancelPlan(isStepwise: separately || rule == .reads, hasSyncEach: separately)
        line.wasCancelled = false
        for request in requests {
            request.course.slot = slot
            request.course.sentAt = now
        }
        counters.batchesTotal += 1
        if observes { outputs.append(.observed(.batch(statementCount: requests.count))) }
        do {
            try connection.send(statements, rule: rule, separately: separately)
        } catch {
            return loseUnsent(slot, error, rule: rule, separately: separately, now: now)
        }
        pump(slot, isReadable: false, now: now)
    }
}
