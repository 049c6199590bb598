internal import NIOCore

/// Sends the calls of one client connection and delivers their outcomes.
///
/// Confined to the connection's loop.
final class H2ClientSide: H2Side {
    private let limits: H2Limits
    private let loop: any EventLoop
    private let inbox: H2Inbox
    private let onChange: @Sendable (H2ClientConnection.Change) -> Void
    /// Succeeds with the peer's SETTINGS, and fails if the connection ends before.
    private var ready: EventLoopPromise<Void>?

    private var calls: [H2StreamID: H2PendingCall] = [:]
    /// Calls that wait for a free stream, oldest first; bounded by `H2Limits.queuedCallsMax`.
    private var waiting = CircularBuffer<H2PendingCall>()
    private var isReady = false
    /// Whether new calls are refused: GOAWAY arrived, or the owner drains.
    private var isDraining = false

    private var deadlineSweep: Scheduled<Void>?
    private var deadlineSweepAt: ContinuousClock.Instant?

    private var pingedAt: ContinuousClock.Instant
    private var isPingOut = false

    init(
        limits: H2Limits, loop: any EventLoop, inbox: H2Inbox, ready: EventLoopPromise<Void>,
        onChange: @escaping @Sendable (H2ClientConnection.Change) -> Void
    ) {
        self.limits = limits
        self.loop = loop
        self.inbox = inbox
        self.ready = ready
        self.onChange = onChange
        pingedAt = .now
    }

    // MARK: Commands

    func takeCommands(_ connection: H2ChannelHandler) {
        for command in inbox.take() {
            switch command {
            case .start(let pending): start(pending, connection)
            case .cancel(let call): cancel(call, connection)
            case .drain: startDraining(connection)
            case .close: connection.fail(H2Error(.connectionClosed, code: .noError))
            }
        }
        finishTurn(connection)
        connection.scheduleFlush()
    }

    private func start(_ pending: H2PendingCall, _ connection: H2ChannelHandler) {
        if pending.call.isCancelled { return pending.fail(H2Error(.cancelled, wasNotProcessed: true)) }
        if isDraining { return pending.fail(H2Error(.goingAway, wasNotProcessed: true)) }
        if waiting.count >= limits.queuedCallsMax { return pending.fail(H2Error(.queueFull, wasNotProcessed: true)) }
        waiting.append(pending)
        watch(pending.call.deadline, connection)
    }

    /// Moves waiting calls to streams while the peer allows more.
    private func submitWaiting(_ connection: H2ChannelHandler) {
        guard isReady else { return }
        if !waiting.isEmpty { submitWaiting(connection, now: .now) }
        if !isDraining, !connection.session.canSubmit { noteDraining() }
    }

    private func submitWaiting(_ connection: H2ChannelHandler, now: ContinuousClock.Instant) {
        while !waiting.isEmpty, connection.session.openStreamCount < connection.session.peerStreamsMax {
            let pending = waiting.removeFirst()
            do throws(H2Error) {
                calls[try connection.session.submit(pending.call.request, now: now)] = pending
            } catch {
                pending.fail(error)
            }
        }
    }

    private func cancel(_ call: H2Call, _ connection: H2ChannelHandler) {
        give(up: { $0 === call }, .cancelled, connection)
    }

    /// Fails every matching call: resets its stream with CANCEL, or removes it from the queue.
    private func give(up matches: (H2Call) -> Bool, _ reason: H2Error.Reason, _ connection: H2ChannelHandler) {
        for (id, pending) in calls where matches(pending.call) {
            calls[id] = nil
            connection.session.cancel(id)
            pending.fail(H2Error(reason, code: .cancel, streamID: id))
        }
        guard waiting.contains(where: { matches($0.call) }) else { return }
        for pending in waiting where matches(pending.call) { pending.fail(H2Error(reason, wasNotProcessed: true)) }
        waiting.removeAll { matches($0.call) }
    }

    // MARK: Deadlines

    /// Sets the timer that serves all calls to the earliest deadline.
    private func watch(_ deadline: ContinuousClock.Instant, _ connection: H2ChannelHandler) {
        if let deadlineSweepAt, deadlineSweepAt <= deadline { return }
        deadlineSweep?.cancel()
        deadlineSweepAt = deadline
        let bound = NIOLoopBound((side: self, connection: connection), eventLoop: loop)
        deadlineSweep = loop.scheduleTask(in: TimeAmount(ContinuousClock.now.duration(to: deadline))) {
            bound.value.side.expireDeadlines(bound.value.connection)
        }
    }

    private func expireDeadlines(_ connection: H2ChannelHandler) {
        deadlineSweep = nil
        deadlineSweepAt = nil
        let now = ContinuousClock.now
        give(up: { $0.deadline <= now }, .deadlineExceeded, connection)
        let onStreams = calls.values.lazy.map(\.call.deadline).min()
        let queued = waiting.lazy.map(\.call.deadline).min()
        if let next = [onStreams, queued].compactMap({ $0 }).min() { watch(next, connection) }
        finishTurn(connection)
        connection.scheduleFlush()
    }

    // MARK: H2Side

    func act(on events: [H2Event], _ connection: H2ChannelHandler) {
        for event in events { connection.act(on: event) }
    }

    func act(on event: H2Event, _ connection: H2ChannelHandler) {
        switch event {
        case .response(let id, let response):
            calls.removeValue(forKey: id)?.succeed(response)
        case .failed(let id, let error):
            calls.removeValue(forKey: id)?.fail(error)
        case .ready:
            isReady = true
            ready?.succeed()
            ready = nil
        case .goAway:
            noteDraining()
        case .pingAcknowledged:
            isPingOut = false
        case .broken(let error):
            failAll(error)
        case .request, .cancelled, .observed:
            break
        }
    }

    func finishTurn(_ connection: H2ChannelHandler) {
        submitWaiting(connection)
        if isDraining, calls.isEmpty, isReady { connection.closeWhenIdle() }
    }

    func sweep(_ connection: H2ChannelHandler, now: ContinuousClock.Instant) {
        if isPingOut {
            if now - pingedAt > limits.keepaliveTimeout { connection.fail(H2Error(.keepaliveTimedOut)) }
        } else if !calls.isEmpty, now - pingedAt >= limits.keepaliveInterval {
            isPingOut = true
            pingedAt = now
            connection.session.submitPing()
        }
    }

    func end(_ error: H2Error?, _ connection: H2ChannelHandler) {
        deadlineSweep?.cancel()
        for command in inbox.close() {
            if case .start(let pending) = command {
                pending.fail(H2Error(.connectionClosed, wasNotProcessed: true))
            }
        }
        failAll(error ?? H2Error(.connectionClosed))
        ready?.fail(error ?? H2Error(.connectionClosed, wasNotProcessed: true))
        ready = nil
        onChange(.closed(error))
    }

    // MARK: Ends

    private func startDraining(_ connection: H2ChannelHandler) {
        guard !isDraining else { return }
        noteDraining()
        connection.session.submitGoAway()
    }

    private func noteDraining() {
        isDraining = true
        let queued = waiting
        waiting.removeAll()
        for pending in queued { pending.fail(H2Error(.goingAway, wasNotProcessed: true)) }
        if inbox.setDraining() { onChange(.draining) }
    }

    private func failAll(_ error: H2Error) {
        let failed = calls
        calls = [:]
        for (id, pending) in failed { pending.fail(H2Error(error.reason, code: error.code, streamID: id)) }
        let queued = waiting
        waiting.removeAll()
        for pending in queued { pending.fail(H2Error(error.reason, code: error.code, wasNotProcessed: true)) }
    }
}
