internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// The client took longer to send a body than it may; what waits for the body gets this.
struct BodyTimeout: Error {}

/// Watches the bodies of one connection's requests, below the web framework: each must arrive in time, and a client that
/// asks whether to send one is told to (RFC 9110 §10.1.1). Confined to the connection's event loop.
final class RequestGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    private let limits: EdgeLimits
    private var isReceiving = false
    /// Set when a body came too slowly: whatever comes now belongs to nothing.
    private var hasGivenUp = false
    private var timer: Scheduled<Void>?

    init(limits: EdgeLimits) { self.limits = limits }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasGivenUp else { return }
        switch unwrapInboundIn(data) {
        case .head(let request):
            isReceiving = true
            if invites(request) {
                let invitation = HTTPResponsePart.head(HTTPResponse(status: .continue))
                context.writeAndFlush(wrapOutboundOut(invitation), promise: nil)
            }
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
        stopWaiting()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stopWaiting() }

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
        return Int(length).map { $0 <= limits.bodyBytesMax } ?? false
    }
}
