internal import NIOCore
internal import NIOHTTP2
internal import NIOSSL

/// Holds an HTTP/2 connection to the time that its beginning and each header may take, and to a number of frames that bring
/// nothing, below the framework's parser, which waits for ever and takes some kinds of frames without end. Of what came at once
/// some requests are begun, and the others in the line of the loop, some at a time: what is read in one go may begin hundreds,
/// and end them, and the loop would do nothing else meanwhile. Confined to the connection's event loop.
final class FrameClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: EdgeLimits
    /// Where to wait; nil for the connections of a proxy, which are everybody's.
    private let line: TurnLine?
    private let turnedAway: EdgeRefusalSink
    private var progress = FrameProgress()
    private var allowance: FrameAllowance
    /// What waits: at most what one event of the socket brings.
    private var held = ByteBuffer()
    /// Headers that may still go on in this turn.
    private var headersLeft: Int
    private var isInLine = false
    /// Whether somebody wants to read who had to wait.
    private var wantsRead = false
    private var context: ChannelHandlerContext?
    /// When the last bytes came, and what has been sent since.
    private var readAt = ContinuousClock.now
    private var sentBytes = 0
    /// When something began to be waited for.
    private var waitingSince = ContinuousClock.now
    private var timer: Scheduled<Void>?

    init(limits: EdgeLimits, line: TurnLine?, turnedAway: @escaping EdgeRefusalSink) {
        self.limits = limits
        self.line = line
        self.turnedAway = turnedAway
        headersLeft = limits.headersAtOnceMax
        allowance = FrameAllowance(burst: limits.idleFramesBurst, rate: limits.idleFramesPerSecond)
    }

    /// A client that has agreed on HTTP/2 begins at once.
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        schedule(context, in: limits.headerTimeout)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if held.readableBytes == 0 { held = bytes } else { held.writeBuffer(&bytes) }
        pass(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if held.readableBytes == 0 { headersLeft = limits.headersAtOnceMax }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if held.readableBytes == 0 { context.read() } else { wantsRead = true }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that sends no more has gone, and takes no answer to what waits.
        if let event = event as? ChannelEvent, event == .inputClosed { held = ByteBuffer() }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Turns

    /// Passes on what may go on by now; the rest gets in line.
    private func pass(_ context: ChannelHandlerContext) {
        while held.readableBytes > 0 {
            guard line == nil || headersLeft > 0 else { return getInLine(context) }
            guard let slice = take(context) else { return held = ByteBuffer() }
            context.fireChannelRead(wrapInboundOut(slice))
        }
        held = ByteBuffer()
    }

    /// What may go on at once, after its first look; nil where the connection is thrown out for it.
    private func take(_ context: ChannelHandlerContext) -> ByteBuffer? {
        let before = progress
        let now = ContinuousClock.now
        let count = progress.take(held.readableBytesView, headersMax: line == nil ? .max : headersLeft)
        let headers = progress.headerCount - before.headerCount
        headersLeft -= Int(headers)
        let isAffordable = allowance.spend(
            idle: progress.idleFrameCount - before.idleFrameCount, headers: headers, sentBytes: sentBytes,
            within: now - readAt)
        (readAt, sentBytes) = (now, 0)
        guard isAffordable else {
            sendAway(context)
            return nil
        }
        if !before.isWaiting || progress.restCount != before.restCount { waitingSince = now }
        if progress.isWaiting, timer == nil { schedule(context, in: limits.headerTimeout) }
        return held.readSlice(length: count)
    }

    private func getInLine(_ context: ChannelHandlerContext) {
        guard !isInLine, let line else { return }
        isInLine = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        line.wait { bound.value.takeTurn() }
    }

    /// False where nothing waits for it any more.
    private func takeTurn() -> Bool {
        isInLine = false
        guard let context, context.channel.isActive, held.readableBytes > 0 else { return false }
        // One may have begun in the turn before.
        headersLeft += limits.headersAtOnceMax
        // The time in the line is not the client's.
        waitingSince = .now
        pass(context)
        channelReadComplete(context: context)
        if held.readableBytes == 0, wantsRead {
            wantsRead = false
            context.read()
        }
        return true
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        sentBytes += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    /// A timer that finds that something else is waited for by now goes on, so that it need not be set back for each frame.
    private func schedule(_ context: ChannelHandlerContext, in time: Duration) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            self.timer = nil
            guard self.progress.isWaiting, self.held.readableBytes == 0 else { return }
            let left = self.limits.headerTimeout - self.waitingSince.duration(to: .now)
            guard left <= .zero else { return self.schedule(context, in: left) }
            self.turnedAway(.abuse(.stalled))
            context.throwOut()
        }
    }

    /// What has come is not even parsed.
    private func sendAway(_ context: ChannelHandlerContext) {
        turnedAway(.abuse(.idleFrames))
        // ENHANCE_YOUR_CALM (RFC 9113 §7).
        context.writeAndFlush(wrapOutboundOut(Self.goAway(code: 11)), promise: nil)
        context.throwOut()
    }

    /// GOAWAY of no stream in particular (RFC 9113 §6.8).
    fileprivate static func goAway(code: UInt8) -> IOData {
        let bytes: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, code]
        return .byteBuffer(ByteBuffer(bytes: bytes))
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stop()
        self.context = nil
    }

    private func stop() {
        timer?.cancel()
        timer = nil
        held = ByteBuffer()
    }
}

extension ChannelHandlerContext {
    /// Throws a connection out: its socket is closed at once, below TLS, and of what was written leaves what the system has
    /// taken. A close from above TLS would wait, with all that the connection holds, for the client to say that it closes too:
    /// that time is for those who are still reading (`EdgeCertificate`).
    fileprivate func throwOut() {
        let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        // What a handler's own context closes is closed from that handler on, without the handler.
        (tls ?? self).close(promise: nil)
    }
}

extension Channel {
    /// The same for a connection over HTTP/2 whose streams nobody serves any more. On its event loop.
    func throwOut() {
        // One that has lost its handlers is closed.
        (try? pipeline.syncOperations.context(handlerType: FrameClock.self))?.throwOut()
    }
}

/// Closes an HTTP/2 connection some time after it was told that it ends. The framework says so to who is idle, and then
/// waits until the client has answered, which it need not do. Confined to the connection's event loop.
final class Farewell: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let limits: EdgeLimits
    private var timer: Scheduled<Void>?

    init(limits: EdgeLimits) { self.limits = limits }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .goAway(let last, let code, _) = unwrapOutboundIn(data).payload else {
            return context.write(data, promise: promise)
        }
        if timer == nil {
            // What is under way may end.
            let patience = limits.operationTimeout + limits.farewellTimeout
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(patience)) {
                context.close(promise: nil)
            }
        }
        // The first one says that there will be another, and every stream is taken until the client has heard of it (RFC 9113 §6.8).
        // The parser would take none from here on, and end the connection over what follows their heads.
        if last == .maxID, code == .noError,
            let clock = try? context.pipeline.syncOperations.context(handlerType: FrameClock.self)
        {
            clock.writeAndFlush(NIOAny(FrameClock.goAway(code: 0)), promise: promise)
        } else {
            context.write(data, promise: promise)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }
}

/// Ends an HTTP/2 connection with which something is wrong: tells what the framework's parser finds wrong with it or a
/// request of it, and throws it out, which would have TLS's patience otherwise. So it does to who asks again and again whether
/// anybody is there. Whose client sends no more is closed. Confined to the connection's event loop.
final class FrameFaults: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let limits: EdgeLimits
    private let turnedAway: EdgeRefusalSink
    /// When the client asked last that was not too soon.
    private var askedAt: NIODeadline?
    private var earlyPings = 0
    /// Thrown out: nothing that comes counts any more.
    private var isOver = false

    init(limits: EdgeLimits, turnedAway: @escaping EdgeRefusalSink) {
        self.limits = limits
        self.turnedAway = turnedAway
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        if case .ping(_, ack: false) = unwrapInboundIn(data).payload, !mayAsk(at: .now()) { return sendAway(context) }
        context.fireChannelRead(data)
    }

    private func mayAsk(at now: NIODeadline) -> Bool {
        if let askedAt, now < askedAt + TimeAmount(limits.pingInterval) {
            earlyPings += 1
        } else {
            askedAt = now
        }
        return earlyPings <= limits.earlyPingsMax
    }

    private func sendAway(_ context: ChannelHandlerContext) {
        isOver = true
        turnedAway(.abuse(.pings))
        let farewell = HTTP2Frame(
            streamID: .rootStream,
            payload: .goAway(lastStreamID: .maxID, errorCode: .enhanceYourCalm, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(farewell), promise: nil)
        context.throwOut()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The parser has refused a request that came after the last GOAWAY. Those before it have their answers.
        let ofStream = (error as? NIOHTTP2Errors.StreamError)?.baseError
        if ofStream is NIOHTTP2Errors.CreatedStreamAfterGoaway { return }
        let kind = Self.kind(of: error)
        if let kind { turnedAway(.abuse(kind)) }
        // What comes for a request that was refused a while ago (`resetStreamsKept`) may be nobody's fault. But the parser
        // has ended the connection, and who sends bodies without end and heeds no refusal comes to this.
        if kind != nil || error is NIOHTTP2Errors.NoSuchStream {
            context.throwOut()
        } else {
            context.close(promise: nil)
        }
    }

    /// Nil for what is nobody's fault: a stream or a connection that ended while something was on its way.
    private static func kind(of error: any Error) -> EdgeRefusal.Abuse? {
        switch error {
        case is NIOHTTP2Errors.ExcessiveRSTFrames, is NIOHTTP2Errors.ExcessiveStreamErrors: .resets
        case is NIOHTTP2Errors.ExcessiveControlFrames, is NIOHTTP2Errors.ExcessiveEmptyDataFrames,
            is NIOHTTP2Errors.ExcessiveContinuationFrames, is NIOHTTP2Errors.ExcessiveOutboundFrameBuffering,
            is NIOHTTP2Errors.ExcessiveNumberOfGlitches:
            .frames
        case is NIOHTTP2Errors.ExcessivelyLargeHeaderBlock: .largeHead
        case is NIOHTTP2Errors.MaxStreamsViolation: .streams
        case is NIOHTTP2Errors.IOOnClosedConnection, is NIOHTTP2Errors.NoSuchStream, is NIOHTTP2Errors.StreamClosed,
            is NIOHTTP2Errors.ActivationError:
            nil
        default: error is any NIOHTTP2Error ? .malformed : nil
        }
    }
}
