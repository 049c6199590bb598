internal import NIOCore
internal import NIOHTTP1

/// Keeps bytes that a client has sent ahead of its answers from the parser, which would take all of them at once, and
/// stops reading meanwhile. Sits below the parser, with `PartGate` after that. Confined to the connection's event loop.
final class ByteGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: EdgeLimits
    private let clock: HeadClock
    private let parts: PartGate
    /// At most what one event of the socket brings.
    private var held = ByteBuffer()
    /// Whether a read was requested while bytes were held.
    private var wantsRead = false
    private var context: ChannelHandlerContext?

    init(limits: EdgeLimits, clock: HeadClock, parts: PartGate) {
        self.limits = limits
        self.clock = clock
        self.parts = parts
        parts.bytes = self
    }

    var isEmpty: Bool { held.readableBytes == 0 }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if isEmpty { held = bytes } else { held.writeBuffer(&bytes) }
        guard held.readableBytes <= limits.waitingBytesMax else {
            held = ByteBuffer()
            return context.close(promise: nil)
        }
        pass(context)
    }

    func read(context: ChannelHandlerContext) {
        if isEmpty, !parts.isWaiting { context.read() } else { wantsRead = true }
    }

    /// Passes on what may proceed.
    func goOn() {
        guard let context else { return }
        pass(context)
        context.fireChannelReadComplete()
        guard wantsRead, isEmpty, !parts.isWaiting else { return }
        wantsRead = false
        context.read()
    }

    private func pass(_ context: ChannelHandlerContext) {
        while !isEmpty, !clock.isOver, parts.takesBytes {
            let most = parts.isReceiving ? limits.bodySliceBytes : limits.headSliceBytes
            guard let slice = held.readSlice(length: min(most, held.readableBytes)) else { break }
            context.fireChannelRead(wrapInboundOut(slice))
        }
        if isEmpty || clock.isOver { held = ByteBuffer() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that has closed its side has gone, and takes no answer to what waits.
        if let event = event as? ChannelEvent, event == .inputClosed { held = ByteBuffer() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        held = ByteBuffer()
        context.fireChannelInactive()
    }
}

/// Passes on one request of a connection at a time, right after the parser: the next one when that is answered and
/// there is room for another answer. Requests sent ahead take their turn in the line of the loop. Confined to the
/// connection's event loop.
final class PartGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Waiting {
        case part(HTTPServerRequestPart)
        case error(any Error)
    }

    private let clock: HeadClock
    private let line: TurnLine
    private let waited: EdgeWaitSink
    /// Weak, since each references the other.
    fileprivate weak var bytes: ByteGate?
    private var turn = RequestTurn()
    /// What was parsed together with the request in work: no more than fits into a slice.
    private var held: CircularBuffer<Waiting> = []
    private var isInLine = false
    private var context: ChannelHandlerContext?

    init(clock: HeadClock, line: TurnLine, waited: @escaping EdgeWaitSink) {
        self.clock = clock
        self.line = line
        self.waited = waited
    }

    var isWaiting: Bool { !held.isEmpty }
    var isReceiving: Bool { turn.isReceiving }
    var takesBytes: Bool { held.isEmpty && step == .goOn }

    private var step: RequestTurn.Step { turn.step(hasRoom: context?.channel.isWritable ?? false) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if mustWait(part) { held.append(.part(part)) } else { pass(part, context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A parser error is handled after the requests before it; any other error concerns the connection itself.
        if error is HTTPParserError, !held.isEmpty {
            held.append(.error(error))
        } else {
            context.fireErrorCaught(error)
        }
    }

    private func mustWait(_ part: HTTPServerRequestPart) -> Bool {
        guard held.isEmpty else { return true }
        guard case .head = part else { return false }
        return step != .goOn
    }

    private func pass(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head: turn.begin()
        case .body: break
        case .end: turn.received()
        }
        context.fireChannelRead(wrapInboundOut(part))
        // It may have been answered before it had fully arrived.
        if case .end = part, turn.isFree { settle() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { held.removeAll() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        held.removeAll()
        context.fireChannelInactive()
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard case .end = unwrapOutboundIn(data) else { return }
        turn.answered()
        settle()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        if context.channel.isWritable { settle() }
    }

    // MARK: Turns

    /// Handles what waits, after a change that it may have been waiting for.
    private func settle() {
        if clock.isOver {
            held.removeAll()
            bytes?.goOn()
            return
        }
        guard isWaiting || bytes?.isEmpty == false else { return turn.rest() }
        switch step {
        case .goOn: goOn()
        case .awaitTurn: getInLine()
        case .hold: break
        }
    }

    private func getInLine() {
        guard !isInLine, let context else { return }
        isInLine = true
        waited(.http1)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        line.wait { bound.value.takeTurn() }
    }

    /// Returns false if nothing waits for the turn any more, or there is no room; it gets in line again once there is.
    private func takeTurn() -> Bool {
        isInLine = false
        guard let context, context.channel.isActive, !clock.isOver, step == .awaitTurn else { return false }
        guard isWaiting || bytes?.isEmpty == false else {
            turn.rest()
            return false
        }
        turn.come()
        goOn()
        return true
    }

    private func goOn() {
        guard let context else { return }
        while let next = held.first {
            if case .part(.head) = next, step != .goOn { break }
            held.removeFirst()
            switch next {
            case .part(let part): pass(part, context)
            case .error(let error): context.fireErrorCaught(error)
            }
        }
        if held.isEmpty, let bytes { bytes.goOn() } else { context.fireChannelReadComplete() }
    }
}
