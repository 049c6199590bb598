internal import Contracts
internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import RPC

/// The client took longer to send a body than allowed; thrown to the reader of the body.
struct BodyTimeout: Error {}

/// Watches the requests and answers of one connection, below the web framework: each body must arrive in time, and a
/// client that asks for permission to send one gets it (RFC 9110 §10.1.1); each answer must be read in time; and a
/// client's departure is reported. Confined to the connection's event loop.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: EdgeLimits
    private let connections: OpenConnections
    /// Pieces of answers that were written and that the system has not taken yet.
    private var unreadCount = 0
    /// The deadline for the system to take one of them.
    private var patienceEnd = NIODeadline.distantFuture
    /// Checks that deadline. It is moved only when it fires: a timer for each answer would cost more than the answer.
    private var patience: Scheduled<Void>?
    private var isReceiving = false
    /// Whether the body is taken in pieces: then each piece has its own time limit.
    private let takesUpload: @Sendable (HTTPRequest) -> Bool
    private var isUpload = false
    /// Set when a body came too slowly: everything that arrives now is dropped.
    private var hasGivenUp = false
    private var timer: Scheduled<Void>?
    /// Requests whose answers have not begun.
    private var awaitedCount = 0
    /// Whether the input can no longer be parsed as requests, why, and whether that was in the middle of a body.
    private var isUnreadable = false
    private var refusal: (error: RPCError, reason: EdgeRefusal.Request)?
    private var isBodyBroken = false
    /// Whether an answer without a request is being dropped.
    private var isDropping = false
    private let answer: @Sendable (RPCError) -> EdgeResponse
    private let turnedAway: EdgeRefusalSink

    /// `answer` makes the response to a client that does not speak HTTP.
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

    /// Sets the cause of the parser error that comes next.
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

    /// Returns nil if nothing was refused: the connection has ended in the middle of a request.
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
        // A client that has closed its side has gone, as far as can be told without writing to it.
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
        // The head is small: the pieces after it show whether the client reads.
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

    /// Replaces the web framework's 400 for what is not a request: the client is told what is wrong, once. A request
    /// whose body broke off has had its answer already, and a second one would be taken for the answer to another
    /// request.
    private func tellWhy(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        isDropping = true
        guard isUnreadable, !isBodyBroken else {
            promise?.succeed()
            return
        }
        isBodyBroken = true
        let answer = answer(refusal?.error ?? .invalidRequest("the request is not valid HTTP/1.1"))
        var fields = HTTPFields()
        for (name, value) in answer.headers + [("connection", "close"), ("content-length", "\(answer.body.count)")] {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        let head = HTTPResponse(status: .init(code: answer.status), headerFields: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
    }

    /// Writes a piece. The timeout runs until the system has taken all pieces, and restarts with each that it takes.
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
            // Without lingering: otherwise the kernel would keep unread data for hours.
            _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            context.close(promise: nil)
        }
    }

    // MARK: Bodies

    /// The reader of the body gets the error and may still answer; then the connection is closed, since the rest of its
    /// input is unusable.
    private func giveUp(_ context: ChannelHandlerContext) {
        isReceiving = false
        hasGivenUp = true
        turnedAway(.request(.slowBody))
        context.fireErrorCaught(BodyTimeout())
        scheduleFarewell(context)
    }

    /// Closes the connection after a moment in which the client can read the answer.
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

    /// Returns whether the client waits for permission to send a body, and declares no more than the maximum size.
    private func invites(_ request: HTTPRequest) -> Bool {
        guard request.headerFields[.expect]?.lowercased() == "100-continue" else { return false }
        guard let length = request.headerFields[.contentLength] else { return true }
        return Int(length).map { $0 <= (isUpload ? limits.uploadBytesMax : limits.bodyBytesMax) } ?? false
    }
}
