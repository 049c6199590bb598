internal import NIOCore
internal import NIOHTTP2
internal import NIOSSL

/// Holds an HTTP/2 connection to the time that its beginning and each header may take, and to a number of frames that bring
/// nothing, below the framework's parser, which waits for ever and takes some kinds of frames without end. Confined to the
/// connection's event loop.
final class FrameClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: EdgeLimits
    private let turnedAway: EdgeRefusalSink
    private var progress = FrameProgress()
    private var allowance: FrameAllowance
    /// When the last bytes came, and what has been sent since.
    private var readAt = ContinuousClock.now
    private var sentBytes = 0
    /// When something began to be waited for.
    private var waitingSince = ContinuousClock.now
    private var timer: Scheduled<Void>?

    init(limits: EdgeLimits, turnedAway: @escaping EdgeRefusalSink) {
        self.limits = limits
        self.turnedAway = turnedAway
        allowance = FrameAllowance(burst: limits.idleFramesBurst, rate: limits.idleFramesPerSecond)
    }

    /// A client that has agreed on HTTP/2 begins at once.
    func handlerAdded(context: ChannelHandlerContext) { schedule(context, in: limits.headerTimeout) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let before = progress
        let now = ContinuousClock.now
        progress.take(unwrapInboundIn(data).readableBytesView)
        let isAffordable = allowance.spend(
            idle: progress.idleFrameCount - before.idleFrameCount, headers: progress.headerCount - before.headerCount,
            sentBytes: sentBytes, within: now - readAt)
        (readAt, sentBytes) = (now, 0)
        guard isAffordable else { return sendAway(context) }
        if !before.isWaiting || progress.restCount != before.restCount { waitingSince = now }
        if progress.isWaiting, timer == nil { schedule(context, in: limits.headerTimeout) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        sentBytes += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    /// A timer that finds that something else is waited for by now goes on, so that it need not be set back for each frame.
    private func schedule(_ context: ChannelHandlerContext, in time: Duration) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            self.timer = nil
            guard self.progress.isWaiting else { return }
            let left = self.limits.headerTimeout - self.waitingSince.duration(to: .now)
            guard left <= .zero else { return self.schedule(context, in: left) }
            self.turnedAway(.abuse(.stalled))
            context.throwOut()
        }
    }

    /// What has come is not even parsed.
    private func sendAway(_ context: ChannelHandlerContext) {
        turnedAway(.abuse(.idleFrames))
        // GOAWAY of no stream in particular, with ENHANCE_YOUR_CALM (RFC 9113 §6.8, §7).
        let bytes: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 11]
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
        context.throwOut()
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    private func stop() {
        timer?.cancel()
        timer = nil
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

/// Closes an HTTP/2 connection some time after it was told that it ends. The framework says so to who is idle, and then
/// waits until the client has answered, which it need not do. Who asks again and again whether anybody is there is told so too,
/// and thrown out. Confined to the connection's event loop.
final class Farewell: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let limits: EdgeLimits
    private var timer: Scheduled<Void>?

    init(limits: EdgeLimits) { self.limits = limits }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .goAway(_, let code, _) = unwrapOutboundIn(data).payload else {
            return context.write(data, promise: promise)
        }
        guard code != .enhanceYourCalm else {
            context.writeAndFlush(data, promise: promise)
            return context.throwOut()
        }
        if timer == nil {
            // What is under way may end.
            let patience = limits.operationTimeout + limits.farewellTimeout
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(patience)) {
                context.close(promise: nil)
            }
        }
        context.write(data, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }
}

/// Tells what the framework's parser finds wrong with a connection or a request of it, and throws the connection out, which the
/// framework would close with TLS's patience. Confined to the connection's event loop.
final class FrameFaults: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame

    private let turnedAway: EdgeRefusalSink

    init(turnedAway: @escaping EdgeRefusalSink) { self.turnedAway = turnedAway }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let kind = Self.kind(of: error)
        if let kind { turnedAway(.abuse(kind)) }
        // What comes for a request that was refused a while ago may be nobody's fault. But the parser has ended the
        // connection, and who sends bodies without end and heeds no refusal comes to this.
        if kind != nil || error is NIOHTTP2Errors.NoSuchStream { context.throwOut() }
        context.fireErrorCaught(error)
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
            is NIOHTTP2Errors.CreatedStreamAfterGoaway, is NIOHTTP2Errors.ActivationError:
            nil
        default: error is any NIOHTTP2Error ? .malformed : nil
        }
    }
}
