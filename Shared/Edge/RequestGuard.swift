internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// The client took longer to send a body than it may; what waits for the body gets this.
struct BodyTimeout: Error {}

/// Watches one connection's requests and answers, below the web framework: each body must arrive in time, and a client
/// that asks whether to send one is told to (RFC 9110 §10.1.1); each answer must be read in time; and who goes away is
/// missed. Confined to the connection's event loop.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: EdgeLimits
    private let connections: OpenConnections
    /// Pieces of answers that were written and that the system has not taken yet.
    private var unreadCount = 0
    private var patience: Scheduled<Void>?
    private var isReceiving = false
    /// Whether the body is taken in pieces: then each has its own time.
    private let takesUpload: @Sendable (HTTPRequest) -> Bool
    private var isUpload = false
    /// Set when a body came too slowly: whatever comes now belongs to nothing.
    private var hasGivenUp = false
    private var timer: Scheduled<Void>?

    init(
        limits: EdgeLimits, connections: OpenConnections,
        takesUpload: @escaping @Sendable (HTTPRequest) -> Bool = { _ in false }
    ) {
        self.limits = limits
        self.connections = connections
        self.takesUpload = takesUpload
    }

    func handlerAdded(context: ChannelHandlerContext) { connections.opened(context.channel) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that sends no more has gone, as far as anybody can tell before writing to it.
        if let event = event as? ChannelEvent, event == .inputClosed { connections.lost(context.channel) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasGivenUp else { return }
        switch unwrapInboundIn(data) {
        case .head(let request):
            isReceiving = true
            isUpload = takesUpload(request)
            if invites(request) {
                let invitation = HTTPResponsePart.head(HTTPResponse(status: .continue))
                context.writeAndFlush(wrapOutboundOut(invitation), promise: nil)
            }
        case .body where isUpload:
            timer?.cancel()
            timer = nil
        case .body: break
        case .end: stopWaiting()
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Most requests arrive whole in one read and need no timer.
        if isReceiving, timer == nil {
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.bodyTimeout)) {
                self.giveUp(context)
            }
        }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(context) }

    private func end(_ context: ChannelHandlerContext) {
        stopWaiting()
        patience?.cancel()
        patience = nil
        connections.closed(context.channel)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .body(var bytes) = unwrapOutboundIn(data) else {
            // A head or an end is small: whether it is read shows in what surrounds it.
            if case .end = unwrapOutboundIn(data) { return send(context, data, promise) }
            return context.write(data, promise: promise)
        }
        while bytes.readableBytes > limits.writePieceBytes, let piece = bytes.readSlice(length: limits.writePieceBytes)
        {
            send(context, wrapOutboundOut(.body(piece)), nil)
        }
        send(context, wrapOutboundOut(.body(bytes)), promise)
    }

    /// Writes a piece; until the system has taken one, the clock runs, and each that it takes sets it back.
    private func send(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let taken = promise ?? context.eventLoop.makePromise(of: Void.self)
        unreadCount += 1
        if unreadCount == 1 { restartPatience(context) }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        taken.futureResult.whenComplete { _ in
            let (guardian, context) = bound.value
            guardian.unreadCount -= 1
            guardian.restartPatience(context)
        }
        context.write(data, promise: taken)
    }

    private func restartPatience(_ context: ChannelHandlerContext) {
        patience?.cancel()
        patience = nil
        guard unreadCount > 0, context.channel.isActive else { return }
        patience = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.writeTimeout)) {
            // Without lingering, or the kernel would keep for hours what nobody reads.
            _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            context.close(promise: nil)
        }
    }

    // MARK: Bodies

    /// Whoever reads the body gets the error and may still answer; then the connection goes, for its rest is unusable.
    private func giveUp(_ context: ChannelHandlerContext) {
        isReceiving = false
        hasGivenUp = true
        context.fireErrorCaught(BodyTimeout())
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.farewellTimeout)) {
            context.close(promise: nil)
        }
    }

    private func stopWaiting() {
        isReceiving = false
        timer?.cancel()
        timer = nil
    }

    /// Whether the client waits for leave to send a body that may be as large as it says.
    private func invites(_ request: HTTPRequest) -> Bool {
        guard request.headerFields[.expect]?.lowercased() == "100-continue" else { return false }
        guard let length = request.headerFields[.contentLength] else { return true }
        return Int(length).map { $0 <= (isUpload ? limits.uploadBytesMax : limits.bodyBytesMax) } ?? false
    }
}
