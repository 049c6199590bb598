internal import NIOCore
internal import NIOHTTP2

/// Holds an HTTP/2 connection to the time that its beginning and each header may take, and to a number of frames that bring
/// nothing, below the framework's parser, which waits for ever and takes some kinds of frames without end. Confined to the
/// connection's event loop.
final class FrameClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: EdgeLimits
    private var progress = FrameProgress()
    private var allowance: FrameAllowance
    /// When the last bytes came, and what has been sent since.
    private var readAt = ContinuousClock.now
    private var sentBytes = 0
    /// When something began to be waited for.
    private var waitingSince = ContinuousClock.now
    private var timer: Scheduled<Void>?
    private var isOver = false

    init(limits: EdgeLimits) {
        self.limits = limits
        allowance = FrameAllowance(burst: limits.idleFramesBurst, rate: limits.idleFramesPerSecond)
    }

    /// A client that has agreed on HTTP/2 begins at once.
    func handlerAdded(context: ChannelHandlerContext) { schedule(context, in: limits.headerTimeout) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
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
            if left > .zero { self.schedule(context, in: left) } else { context.close(promise: nil) }
        }
    }

    /// What has come is not even parsed.
    private func sendAway(_ context: ChannelHandlerContext) {
        isOver = true
        // GOAWAY of no stream in particular, with ENHANCE_YOUR_CALM (RFC 9113 §6.8, §7).
        let bytes: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 11]
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
        context.close(promise: nil)
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

/// Closes an HTTP/2 connection some time after it was told that it ends. The framework says so to who is idle, and then
/// waits until the client has answered, which it need not do. Confined to the connection's event loop.
final class Farewell: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let limits: EdgeLimits
    private var timer: Scheduled<Void>?

    init(limits: EdgeLimits) { self.limits = limits }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .goAway = unwrapOutboundIn(data).payload, timer == nil {
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
