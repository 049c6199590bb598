internal import Glibc
internal import Synchronization

/// Owns the core, the inbox and the loop's thread.
///
/// Whoever submits a command drives the core if nobody else does at that moment, and otherwise leaves it in the inbox
/// for the one who does. So a lone statement is sent from the caller's own thread, and the loop's thread only reads.
/// The caller even polls for the answer itself for a moment (`PGLimits.answerWatch`), which saves two thread switches.
final class PGEngine: Sendable {
    private let core: Mutex<PGCore>
    private let inbox = Mutex<[PGCoreCommand]>([])
    private let poller: PGPoller
    private let blocking: PGBlockingWork
    private let observe: (@Sendable (PGObservation) -> Void)?
    private let names: [String]
    private let ports: [String]
    private let nextID = Atomic<Int>(1)
    /// The nesting depth of `together` on the calling thread.
    private let holds: PGThreadCounter
    private let watches: Bool
    private let ended = Mutex<(isEnded: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    /// Starts the loop's thread, which ends after `shutDown`.
    init(_ configuration: PGConfiguration, observe: (@Sendable (PGObservation) -> Void)?) throws(PGError) {
        let poller = try PGPoller()
        var generator = SystemRandomNumberGenerator()
        let seed = generator.next()
        self.poller = poller
        self.observe = observe
        core = Mutex(PGCore(configuration, poller: poller, observes: observe != nil, seed: seed))
        holds = try PGThreadCounter()
        // With one processor Postgres could not respond while we poll.
        watches = configuration.limits.answerWatch > .zero && sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1
        blocking = PGBlockingWork(runningMax: configuration.limits.blockingWorkMax)
        names = configuration.namesToResolve
        ports = names.indices.map { configuration.port(at: $0) }
        try startThread()
    }

    func makeID() -> Int { nextID.wrappingAdd(1, ordering: .relaxed).newValue }

    func snapshot() -> PGPoolSnapshot {
        // A command submitted while this held the lock relies on its holder to check the inbox.
        defer { handlePosted() }
        return core.withLock { $0.snapshot() }
    }

    func send(_ command: PGCoreCommand) {
        post(command)
        handlePosted()
    }

    /// Appends a command to the inbox without handling it; `handlePosted` must follow. Commands are handled in this
    /// order.
    func post(_ command: PGCoreCommand) { inbox.withLock { $0.append(command) } }

    func handlePosted() { if holds.value == 0 { drive() } }

    /// Sends the statements that this thread submits during `body` together at its end.
    func together(_ body: () -> Void) {
        holds.value += 1
        body()
        holds.value -= 1
        if holds.value == 0 { drive() }
    }

    /// Returns once every connection is closed.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let isEnded = ended.withLock { state in
                if !state.isEnded { state.waiters.append(continuation) }
                return state.isEnded
            }
            if isEnded { continuation.resume() }
        }
    }

    /// Handles what is in the inbox. If the lock is taken, its holder checks the inbox again afterwards.
    private func drive() {
        while inbox.withLock({ !$0.isEmpty }) {
            let turn: (PGCoreTurn, PGWatch?)? = core.withLockIfAvailable { core in
                let now = ContinuousClock.now
                handleInbox(&core, now)
                let watch = watches ? core.startWatch(now: now) : nil
                core.planWake(now: now)
                return (core.takeTurn(), watch)
            }
            guard let (turn, watch) = turn else { return }
            deliver(turn)
            if let watch { self.watch(watch) }
        }
    }

    /// Polls for the answer to the only statement in progress, and for all pieces of a long one.
    private func watch(_ first: PGWatch) {
        var current: PGWatch? = first
        while let watch = current {
            let isReadable = Self.look(watch)
            let (turn, next) = core.withLock { core in
                let now = ContinuousClock.now
                if isReadable { core.ready(watch.token, isReadable: true, now: now) }
                handleInbox(&core, now)
                let next = core.goOn(watch, isReadable: isReadable, now: now)
                core.planWake(now: now)
                return (core.takeTurn(), next)
            }
            deliver(turn)
            current = next
        }
    }

    private static func look(_ watch: PGWatch) -> Bool {
        var turnCount = 0
        while !PGPoller.isReadable(watch.descriptor) {
            turnCount += 1
            if turnCount % 8 == 0, ContinuousClock.now >= watch.until { return false }
        }
        return true
    }

    private func handleInbox(_ core: inout PGCore, _ now: ContinuousClock.Instant) {
        let commands = inbox.withLock { inbox in
            var taken: [PGCoreCommand] = []
            swap(&taken, &inbox)
            return taken
        }
        for command in commands { core.handle(command, now: now) }
        core.perform(now: now)
    }

    private func deliver(_ turn: PGCoreTurn) {
        for request in turn.settled {
            // Observed first: the caller may continue as soon as it is resumed.
            if let observe, let observation = request.observation { observe(observation) }
            request.finish()
        }
        for output in turn.outputs {
            switch output {
            case .granted(let request, let result): request.continuation.resume(returning: result)
            case .copied(let request, let result): request.continuation.resume(returning: result)
            case .observed(let observation): observe?(observation)
            case .notified(let sink, let notifications): sink.receive(notifications)
            case .silenced(let sink, let token): sink.silence(token)
            case .wake: poller.wake()
            case .resolve(let token): resolve(token)
            case .sendCancel(let token, let handle):
                blocking.run {
                    handle.send()
                    self.send(.cancelSent(token))
                }
            }
        }
    }

    private func resolve(_ token: PGSlotToken) {
        blocking.run {
            var found: [PGHostAddress] = []
            for (host, port) in zip(self.names, self.ports) {
                for address in PGBlockingWork.addresses(of: host) {
                    found.append(PGHostAddress(host: host, address: address, port: port))
                }
            }
            self.send(.resolved(token, found))
        }
    }

    // MARK: The loop

    private func startThread() throws(PGError) {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<PGEngine>.fromOpaque(context).takeRetainedValue().loop()
                return nil
            }, context)
        guard status == 0 else {
            unsafe Unmanaged<PGEngine>.fromOpaque(context).release()
            throw PGError(.configuration, "the thread for the Postgres loop cannot be started")
        }
        pthread_detach(thread)
    }

    private func loop() {
        var events: [PGPoller.Event] = []
        var timeout: Duration? = .zero
        var isRunning = true
        while isRunning {
            poller.wait(timeout, into: &events)
            let (turn, rest): (PGCoreTurn, Duration?) = core.withLock { core in
                let now = ContinuousClock.now
                for event in events {
                    core.ready(PGSlotToken(raw: event.token), isReadable: event.isReadable, now: now)
                }
                handleInbox(&core, now)
                core.due(now: now)
                let wake = core.planSleep(now: now)
                isRunning = !(core.isShutDown && core.isQuiet)
                return (core.takeTurn(), wake.map { $0 - now })
            }
            timeout = rest
            deliver(turn)
            drive()
        }
        let waiters = ended.withLock { state in
            state.isEnded = true
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

extension PGCore {
    mutating func takeTurn() -> PGCoreTurn {
        var turn = PGCoreTurn()
        swap(&turn.settled, &settled)
        swap(&turn.outputs, &outputs)
        return turn
    }

    /// For the loop: returns how long it may sleep. While statements keep coming it wakes now and then, so that senders
    /// need not wake it for the deadlines of each batch.
    mutating func planSleep(now: Instant) -> Instant? {
        let isBusy = counters.batchesTotal != batchesSeen
        batchesSeen = counters.batchesTotal
        loopWake = nextWake(after: now)
        if isBusy { loopWake = min(loopWake ?? now + limits.laneStall, now + limits.laneStall) }
        return loopWake
    }

    /// For everybody else: wakes the loop if it would sleep too long.
    mutating func planWake(now: Instant) {
        let shouldEnd = isShutDown && isQuiet
        guard let wake = shouldEnd ? now : nextWake(after: now) else { return }
        if let loopWake, loopWake <= wake { return }
        loopWake = wake
        outputs.append(.wake)
    }

    func snapshot() -> PGPoolSnapshot {
        var snapshot = counters
        for slot in machine.slots {
            switch slot {
            case .vacant: continue
            case .connecting: snapshot.connectingCount += 1
            case .idle: snapshot.idleCount += 1
            case .shared: snapshot.sharedCount += 1
            case .leased: snapshot.leasedCount += 1
            }
        }
        snapshot.waitingCount = machine.waitingCount
        snapshot.inFlightCount = tracked.count
        snapshot.isCircuitOpen = machine.isOpen
        return snapshot
    }
}
