internal import NIOCore
internal import NIOTLS

/// A role's handling of its connection's events; called on the connection's loop only.
protocol H2Side: AnyObject {
    func act(on event: H2Event, _ connection: H2ChannelHandler)
    /// Must call `H2ChannelHandler.act(on:)` for each of the events of one read.
    func act(on events: [H2Event], _ connection: H2ChannelHandler)
    /// Called after the events of one turn, before the bytes are written.
    func finishTurn(_ connection: H2ChannelHandler)
    /// Called every `H2Limits.sweepInterval`.
    func sweep(_ connection: H2ChannelHandler, now: ContinuousClock.Instant)
    /// Called once; nothing can be sent any more.
    func end(_ error: H2Error?, _ connection: H2ChannelHandler)
}

/// Signals that the server fires into its connections' pipelines.
enum H2StopSignal: Sendable {
    /// Start the graceful shutdown.
    case drain
    /// End now.
    case terminate
}

/// Connects an `H2Session` to a channel: bytes in, events to its side, bytes out, and the sweep timer.
///
/// Confined to the channel's event loop. Everything that a turn of the loop produces is written and flushed once.
final class H2ChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Drain {
        /// Next: noticed.
        case none
        /// GOAWAY for all streams and a PING were sent, at that time. Next: announced.
        case noticed(ContinuousClock.Instant)
        /// The last GOAWAY was sent. Final.
        case announced
    }

    /// The initial capacity of the buffer for one write, in bytes.
    private static let pieceBytes = 4_096

    var session: H2Session
    private let side: any H2Side
    private let observe: H2Sink?
    private let remoteAddress: String
    private let requiresALPN: Bool
    private var context: ChannelHandlerContext?
    private var outgoing = ByteBuffer()
    private var isFlushScheduled = false
    private var isClosing = false
    private var drain = Drain.none
    private var failure: H2Error?
    private var sweep: RepeatedTask?
    /// Closes a connection whose last bytes are not taken.
    private var linger: Scheduled<Void>?
    /// The time since when the socket takes no bytes.
    private var stalledSince: ContinuousClock.Instant?

    init(session: consuming H2Session, side: any H2Side, remoteAddress: String, requiresALPN: Bool, observe: H2Sink?) {
        self.session = session
        self.side = side
        self.remoteAddress = remoteAddress
        self.requiresALPN = requiresALPN
        self.observe = observe
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let interval = TimeAmount(session.limits.sweepInterval)
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        sweep = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            connection.value.runSweep()
        }
        if context.channel.isActive { flush() }
    }

    func channelActive(context: ChannelHandlerContext) {
        flush()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        let events = unsafe buffer.withUnsafeReadableBytes { unsafe session.receive($0, now: .now) }
        side.act(on: events, self)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        side.finishTurn(self)
        flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stalledSince = context.channel.isWritable ? nil : .now
        if context.channel.isWritable { flush() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case H2StopSignal.drain:
            startDrain()
        case H2StopSignal.terminate:
            fail(H2Error(.goingAway, code: .noError))
        case TLSUserEvent.handshakeCompleted(let negotiated) where requiresALPN && negotiated != "h2":
            observe?(.connectionRefused(remoteAddress: remoteAddress, .noHTTP2))
            failure = H2Error(.connectFailed("the peer did not negotiate h2"), wasNotProcessed: true)
            context.close(promise: nil)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if failure == nil { failure = H2Error(.connectFailed("\(error)")) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    private func end() {
        guard context != nil else { return }
        context = nil
        isClosing = true
        sweep?.cancel()
        sweep = nil
        // Otherwise the timer would retain everything that the connection holds until it fires.
        linger?.cancel()
        linger = nil
        side.end(failure, self)
        observe?(.connectionClosed(remoteAddress: remoteAddress, failure))
    }

    // MARK: Turns

    private func act(on events: [H2Event]) {
        for event in events { act(on: event) }
    }

    func act(on event: H2Event) {
        switch event {
        case .observed(let observation):
            observe?(observation)
        case .broken(let error):
            if failure == nil, error.code != .noError { failure = error }
            side.act(on: event, self)
        case .pingAcknowledged:
            if case .noticed = drain { announceEnd() }
            side.act(on: event, self)
        default:
            side.act(on: event, self)
        }
    }

    /// Writes the session's output before the turn of the loop ends; many calls in a turn cause one write.
    func scheduleFlush() {
        guard !isFlushScheduled, let context else { return }
        isFlushScheduled = true
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            connection.value.isFlushScheduled = false
            connection.value.flush()
        }
    }

    /// Writes the session's output.
    func flush() {
        guard let context, !isClosing else { return }
        var hasWritten = false
        while context.channel.isWritable {
            // If the last write is still pending, this allocates a new buffer, which must not be as large as the
            // largest so far.
            outgoing.clear(minimumCapacity: Self.pieceBytes)
            let count = unsafe session.pull(upTo: session.limits.writeBytesMax, now: .now) { frame in
                unsafe _ = outgoing.writeBytes(frame)
            }
            act(on: session.takeEvents())
            guard count > 0 else { break }
            hasWritten = true
            context.write(wrapOutboundOut(outgoing), promise: nil)
        }
        if session.wantsClose {
            closeAfterWrites(context)
        } else if hasWritten {
            context.flush()
        }
    }

    /// Closes once everything written has left, or the linger time is over.
    private func closeAfterWrites(_ context: ChannelHandlerContext) {
        isClosing = true
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            connection.value.context?.close(promise: nil)
        }
        linger = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(session.limits.lingerTimeout)) {
            connection.value.context?.close(promise: nil)
        }
    }

    /// Closes if the session has nothing left to do; the side calls this when it no longer needs the connection.
    func closeWhenIdle() {
        if session.openStreamCount == 0 { fail(H2Error(.goingAway, code: .noError)) }
    }

    /// Ends the connection with GOAWAY.
    func fail(_ error: H2Error) {
        session.fail(error)
        act(on: session.takeEvents())
        flush()
        // A socket that takes nothing would keep the GOAWAY and the connection forever.
        if !isClosing, let context { closeAfterWrites(context) }
    }

    private func runSweep() {
        let now = ContinuousClock.now
        if let stalledSince, now - stalledSince > session.limits.writeProgressTimeout {
            observe?(.abuse(.writeTimeout))
            failure = H2Error(.protocolViolation, code: .enhanceYourCalm)
            context?.close(promise: nil)
            return
        }
        if case .noticed(let since) = drain, now - since > session.limits.drainRoundTripTimeout { announceEnd() }
        act(on: session.expire(now: now))
        side.sweep(self, now: now)
        side.finishTurn(self)
        flush()
    }

    // MARK: Graceful end

    private func startDrain() {
        guard case .none = drain else { return }
        drain = .noticed(.now)
        session.submitShutdownNotice()
        flush()
    }

    private func announceEnd() {
        drain = .announced
        session.submitGoAway()
        scheduleFlush()
    }
}
