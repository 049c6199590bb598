internal import Contracts
internal import NIOCore
internal import NIOHTTP1

/// Measures how long the head of a request takes to arrive, below the parser. Confined to the connection's event loop.
final class HeadClock: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limits: EdgeLimits
    private let guardian: RequestGuard
    /// Whether arriving bytes belong to a request whose head is known.
    private var isWithinMessage = false
    private(set) var isOver = false
    /// The deadline of a head that has begun; nil if none has.
    private var headEnd: NIODeadline?
    /// Checks that deadline. It is kept for later heads: a timer for each would cost more than the head.
    private var timer: Scheduled<Void>?

    init(limits: EdgeLimits, guardian: RequestGuard) {
        self.limits = limits
        self.guardian = guardian
    }

    func headArrived() {
        isWithinMessage = true
        headEnd = nil
    }

    func messageEnded() { isWithinMessage = false }

    /// Stops reading: whatever arrives from now on is dropped.
    func end() {
        isOver = true
        headEnd = nil
        stop()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        if !isWithinMessage, headEnd == nil {
            let end = NIODeadline.now() + TimeAmount(limits.headerTimeout)
            headEnd = end
            if timer == nil { awaitHead(context, until: end) }
        }
        context.fireChannelRead(data)
    }

    private func awaitHead(_ context: ChannelHandlerContext, until end: NIODeadline) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: end) { [self] in
            timer = nil
            guard let headEnd else { return }
            guard headEnd <= .now() else { return awaitHead(context, until: headEnd) }
            guardian.refuse(
                .requestTimeout("the header took longer than \(limits.headerTimeout.components.seconds) s"),
                as: .slowHead)
            context.fireErrorCaught(HTTPParserError.unknown)
        }
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

/// Checks each request of a connection against `RequestRules`, right after the parser, and ends the connection where it
/// must end. Confined to the connection's event loop.
final class HeadGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private struct Awaited {
        let isLast: Bool
        let isHTTP10: Bool
    }

    private let limits: EdgeLimits
    private let clock: HeadClock
    private let guardian: RequestGuard
    /// The number of pieces of the present body, and their size in bytes.
    private var pieceCount = 0
    private var pieceBytes = 0
    /// Requests whose answers have not begun.
    private var awaited: CircularBuffer<Awaited> = []
    private var isLast = false
    /// Whether everything that follows is ignored, and whether that is because it cannot be parsed.
    private var isOver = false
    private var isBroken = false

    init(limits: EdgeLimits, clock: HeadClock, guardian: RequestGuard) {
        self.limits = limits
        self.clock = clock
        self.guardian = guardian
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(var request):
            clock.headArrived()
            (pieceCount, pieceBytes) = (0, 0)
            let head = RequestRules.Head(
                isHTTP10: request.version == .http1_0, method: request.method.rawValue, target: request.uri,
                fields: request.headers.map { (name: $0.name, value: $0.value) })
            if let fault = RequestRules.fault(in: head) {
                isOver = true
                clock.end()
                guardian.refuse(.invalidRequest(fault), as: .malformed)
                context.fireErrorCaught(HTTPParserError.unknown)
                return
            }
            isLast = RequestRules.endsConnection(head)
            awaited.append(Awaited(isLast: isLast, isHTTP10: head.isHTTP10))
            guard isLast else { return context.fireChannelRead(data) }
            request.headers.remove(name: "upgrade")
            request.headers.replaceOrAdd(name: "connection", value: "close")
            context.fireChannelRead(wrapInboundOut(.head(request)))
        case .body(let piece):
            pieceCount += 1
            pieceBytes += piece.readableBytes
            if pieceCount > limits.bodyPiecesFree, pieceBytes < pieceCount * limits.bodyPieceBytesMin {
                // Each costs more than its bytes are worth.
                (isOver, isBroken) = (true, true)
                clock.end()
                guardian.refuse(.invalidRequest("the body arrives in pieces that are too small"), as: .smallPieces)
                context.fireErrorCaught(HTTPParserError.unknown)
                return
            }
            context.fireChannelRead(data)
        case .end:
            clock.messageEnded()
            isOver = isLast
            if isLast { clock.end() }
            context.fireChannelRead(data)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError {
            (isOver, isBroken) = (true, true)
            clock.end()
        }
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var answer) = unwrapOutboundIn(data), answer.status.code >= 200 else {
            return context.write(data, promise: promise)
        }
        let request = awaited.popFirst()
        if answer.headers.first(name: "connection") == "close" {
            // The answer itself ends the connection: nothing after it is read (RFC 9112 §9.6).
            isOver = true
            clock.end()
        }
        guard isBroken || request?.isLast == true else { return context.write(data, promise: promise) }
        answer.headers.replaceOrAdd(name: "connection", value: "close")
        if request?.isHTTP10 == true { answer.version = .http1_0 }
        context.write(wrapOutboundOut(.head(answer)), promise: promise)
    }
}
