internal import NIOCore
internal import NIOHTTP2
internal import NIOSSL

/// Limits the time of an HTTP/2 connection's preface and of each header, and the number of its idle frames. It sits
/// below the framework's parser, which waits forever and accepts some kinds of frames without end. Of the requests and
/// bytes that arrive at once, a few are passed on immediately and the others in the line of the loop, a few at a time:
/// one read may begin and end hundreds of requests, or bring parts of bodies from every connection, and the loop would
/// do nothing else meanwhile. Confined to the connection's event loop.
final class FrameClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: EdgeLimits
    /// Where to wait; nil for the connections of a proxy, which carry all clients' requests.
    private let line: TurnLine?
    private let turnedAway: EdgeRefusalSink
    private var progress = FrameProgress()
    private var allowance: FrameAllowance
    /// The bytes that wait: what one event of the socket brings, and more only after the client has closed its side.
    private var held = ByteBuffer()
    /// Headers that may still be passed on in this turn.
    private var headersLeft: Int
    /// Bytes that may still be passed on in this turn.
    private var bytesLeft: Int
    private var isInLine = false
    /// Whether a read was requested while bytes were held.
    private var wantsRead = false
    private var context: ChannelHandlerContext?
    /// When the last bytes arrived, and the number of bytes sent since.
    private var readAt = ContinuousClock.now
    private var sentBytes = 0
    /// When the present wait for the rest of something began.
    private var waitingSince = ContinuousClock.now
    private var timer: Scheduled<Void>?

    init(limits: EdgeLimits, line: TurnLine?, turnedAway: @escaping EdgeRefusalSink) {
        self.limits = limits
        self.line = line
        self.turnedAway = turnedAway
        headersLeft = limits.headersAtOnceMax
        bytesLeft = limits.frameBytesAtOnceMax
        allowance = FrameAllowance(burst: limits.idleFramesBurst, rate: limits.idleFramesPerSecond)
    }

    /// A client that has negotiated HTTP/2 must begin at once.
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        schedule(context, in: limits.headerTimeout)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if held.readableBytes == 0 { held = bytes } else { held.writeBuffer(&bytes) }
        guard held.readableBytes <= limits.waitingBytesMax else {
            held = ByteBuffer()
            return context.throwOut()
        }
        pass(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if held.readableBytes == 0 {
            headersLeft = limits.headersAtOnceMax
            bytesLeft = limits.frameBytesAtOnceMax
        }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if held.readableBytes == 0 { context.read() } else { wantsRead = true }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that has closed its side has gone, and takes no answer to what waits.
        if let event = event as? ChannelEvent, event == .inputClosed { held = ByteBuffer() }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Turns

    /// Passes on what may proceed; the rest gets in line.
    private func pass(_ context: ChannelHandlerContext) {
        while held.readableBytes > 0 {
            guard line == nil || headersLeft > 0 && bytesLeft > 0 else { return getInLine(context) }
            guard let slice = take(context) else { return held = ByteBuffer() }
            context.fireChannelRead(wrapInboundOut(slice))
        }
        held = ByteBuffer()
    }

    /// Takes what may proceed at once, after a first check; returns nil if the connection is thrown out for it.
    private func take(_ context: ChannelHandlerContext) -> ByteBuffer? {
        let before = progress
        let now = ContinuousClock.now
        let count =
            line == nil
            ? progress.take(held.readableBytesView)
            : progress.take(held.readableBytesView.prefix(bytesLeft), headersMax: headersLeft)
        let headers = progress.headerCount - before.headerCount
        headersLeft -= Int(headers)
        bytesLeft -= count
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

    /// Returns false if nothing waits for the turn any more.
    private func takeTurn() -> Bool {
        isInLine = false
        guard let context, context.channel.isActive, held.readableBytes > 0 else { return false }
        // A header may have begun in the turn before. What that left unused does not add up.
        headersLeft = min(headersLeft, 0) + limits.headersAtOnceMax
        bytesLeft = limits.frameBytesAtOnceMax
        // The time in the line does not count against the client.
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

    /// Starts the timer. If the connection waits for something newer when it fires, it is rescheduled, so that it need
    /// not be reset for each frame.
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

    /// Ends the connection without even parsing what has arrived.
    private func sendAway(_ context: ChannelHandlerContext) {
        turnedAway(.abuse(.idleFrames))
        // ENHANCE_YOUR_CALM (RFC 9113 §7).
        context.writeAndFlush(wrapOutboundOut(Self.goAway(code: 11)), promise: nil)
        context.throwOut()
    }

    /// Returns a GOAWAY frame with the highest stream identifier (RFC 9113 §6.8).
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
    /// Throws a connection out: closes its socket at once, below TLS; of what was written, only what the system has
    /// taken is sent. A close from above TLS would wait for the client's close_notify, with everything that the
    /// connection holds: that time is for clients that are still reading (`EdgeCertificate`).
    fileprivate func throwOut() {
        let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        // A close through a handler's own context starts at the handler before it, and skips the handler itself.
        (tls ?? self).close(promise: nil)
    }
}

extension Channel {
    /// Throws out an HTTP/2 connection whose streams are no longer served. Must be called on its event loop.
    func throwOut() {
        // A channel without its handlers is closed already.
        (try? pipeline.syncOperations.context(handlerType: FrameClock.self))?.throwOut()
    }
}

/// Closes an HTTP/2 connection some time after its GOAWAY. The framework sends that to idle clients, and then waits
/// until the client has answered, which it need not do. Confined to the connection's event loop.
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
            // Requests in progress may finish.
            let patience = limits.operationTimeout + limits.farewellTimeout
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(patience)) {
                context.close(promise: nil)
            }
        }
        // The first GOAWAY announces another one, and streams are accepted until the client has seen it (RFC 9113
        // §6.8). If it passed the parser, that would accept none from here on, and end the connection over the frames
        // that follow their headers.
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

/// Ends faulty HTTP/2 connections: reports what the framework's parser finds wrong with a connection or one of its
/// requests, and throws the connection out, since an orderly close would wait for TLS. Throws out clients that send too
/// many PINGs too, and closes connections whose clients have closed their side. Confined to the connection's event
/// loop.
final class FrameFaults: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let limits: EdgeLimits
    private let turnedAway: EdgeRefusalSink
    /// When the client last sent a PING that was not too early.
    private var askedAt: NIODeadline?
    private var earlyPings = 0
    /// Whether the connection was thrown out: everything that arrives now is dropped.
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
        // The parser has refused a request that came after the last GOAWAY. Those before it still get their answers.
        let ofStream = (error as? NIOHTTP2Errors.StreamError)?.baseError
        if ofStream is NIOHTTP2Errors.CreatedStreamAfterGoaway { return }
        let kind = Self.kind(of: error)
        if let kind { turnedAway(.abuse(kind)) }
        // A frame for a request that was refused a while ago (`resetStreamsKept`) may be nobody's fault. But the parser
        // has ended the connection, and clients that send endless bodies and ignore refusals end up here too.
        if kind != nil || error is NIOHTTP2Errors.NoSuchStream {
            context.throwOut()
        } else {
            context.close(promise: nil)
        }
    }

    /// Returns nil for what is nobody's fault: a stream or a connection that ended while something was in flight.
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
