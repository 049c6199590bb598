internal import Contracts
internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import RPC

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
    /// By when the system must have taken one of them.
    private var patienceEnd = NIODeadline.distantFuture
    /// Looks whether that has passed. It is moved only when it is due: one for each answer would cost more than the answer.
    private var patience: Scheduled<Void>?
    private var isReceiving = false
    /// Whether the body is taken in pieces: then each has its own time.
    private let takesUpload: @Sendable (HTTPRequest) -> Bool
    private var isUpload = false
    /// Set when a body came too slowly: whatever comes now belongs to nothing.
    private var hasGivenUp = false
    private var timer: Scheduled<Void>?
    /// Requests whose answers have not begun.
    private var awaitedCount = 0
    /// Whether what came can no longer be read as requests, why, and whether that was in the middle of a body.
    private var isUnreadable = false
    private var refusal: (error: RPCError, reason: EdgeRefusal.Request)?
    private var isBodyBroken = false
    /// Whether an answer that nobody asked for is being dropped.
    private var isDropping = false
    private let answer: @Sendable (RPCError) -> EdgeResponse
    private let turnedAway: EdgeRefusalSink

    /// `answer` makes what is sent to a client that does not speak HTTP.
    init(
        limits: EdgeLimits, connections: OpenConnections,
        takesUpload: @escaping @Sendable (HTTPRequest) -> Bool = { _ in false },
        answer: @escaping @Sendable (RPCError) -> EdgeResponse, turnedAway: @escaping EdgeRefusalSink
    ) {
        self.limits = limits
        self.connections = connections
        self.takesUpload = takesUpload
        self.answer = answer
        self.turnedAway = turnedAway
    }

    /// Says why the parser error that comes next came.
    func refuse(_ error: RPCError, as reason: EdgeRefusal.Request) {
        if refusal == nil { refusal = (error: error, reason: reason) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let fault = error as? HTTPParserError, !isUnreadable {
            isUnreadable = true
            isBodyBroken = isReceiving
            if let reason = reason(of: fault) { turnedAway(.request(reason)) }
            stopWaiting()
            scheduleFarewell(context)
        }
        context.fireErrorCaught(error)
    }

    /// Nil where nobody refuses anything: the connection has ended in the middle of a request.
    private func reason(of fault: HTTPParserError) -> EdgeRefusal.Request? {
        if let refusal { return refusal.reason }
        switch fault {
        case .invalidEOFState: return nil
        case .headerOverflow: return .largeHead
        default: return .malformed
        }
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
            awaitedCount += 1
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
        let part = unwrapOutboundIn(data)
        if case .head(let head) = part, head.status.kind != .informational {
            if awaitedCount > 0 {
                awaitedCount -= 1
            } else {
                return tellWhy(context, promise)
            }
        }
        guard !isDropping else {
            promise?.succeed()
            return
        }
        switch part {
        // It is small: whether it is read shows in what surrounds it.
        case .head: context.write(data, promise: promise)
        case .body(var bytes) where bytes.readableBytes > limits.writePieceBytes:
            while bytes.readableBytes > limits.writePieceBytes,
                let piece = bytes.readSlice(length: limits.writePieceBytes)
            {
                send(context, wrapOutboundOut(.body(piece)), nil)
            }
            send(context, wrapOutboundOut(.body(bytes)), promise)
        case .body, .end: send(context, data, promise)
        }
    }

    /// The web framework answers 400 to what is no request. Whoever sent it is told what is wrong, once; a request whose body
    /// broke off has had its answer already, and a second one would be taken for that of another request.
    private func tellWhy(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        isDropping = true
        guard isUnreadable, !isBodyBroken else {
            promise?.succeed()
            return
        }
        isBodyBroken = true
        let answer = answer(refusal?.error ?? .invalidRequest("this cannot be read as HTTP/1.1"))
        var fields = HTTPFields()
        for (name, value) in answer.headers + [("connection", "close"), ("content-length", "\(answer.body.count)")] {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        let head = HTTPResponse(status: .init(code: answer.status), headerFields: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
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
        patienceEnd = .now() + TimeAmount(limits.writeTimeout)
        if unreadCount > 0, patience == nil, context.channel.isActive { awaitPatience(context) }
    }

    private func awaitPatience(_ context: ChannelHandlerContext) {
        patience = context.eventLoop.assumeIsolated().scheduleTask(deadline: patienceEnd) { [self] in
            patience = nil
            guard unreadCount > 0 else { return }
            guard patienceEnd <= .now() else { return awaitPatience(context) }
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
        turnedAway(.request(.slowBody))
        context.fireErrorCaught(BodyTimeout())
        scheduleFarewell(context)
    }

    /// The connection goes, after a moment in which the answer can be read.
    private func scheduleFarewell(_ context: ChannelHandlerContext) {
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
