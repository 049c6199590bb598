internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP2
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP2

/// Limits how many requests of an HTTP/2 connection are in work at a time. The rest wait in order of arrival, no more
/// of them than the protocol lets a client have open, and proceed one by one in the line of the loop. Confined to the
/// connection's event loop.
///
/// A request is in work until its answer begins: a file or a stream of events, which is sent for as long as the client
/// reads, takes no place. A request that takes long does not wait for this loop, but for a service or for its client's
/// body, and has its place for a limited time only. A request that was withdrawn keeps its place for that time, since
/// its operation may still be ending.
final class StreamGate {
    private struct Place {
        let number: Int
        let end: NIODeadline
    }

    let room: BodyRoom
    /// The streams of this connection's network.
    private let streams: ConnectionCounts
    private let network: [UInt8]
    /// The address of the client.
    let client: String
    let turnedAway: EdgeRefusalSink
    private let limits: EdgeLimits
    private let line: TurnLine
    private let loop: any EventLoop
    private let waited: EdgeWaitSink
    /// The requests in work, in the order in which they began.
    private var places: [Place] = []
    private var begunCount = 0
    private var waiting: [StreamTurn] = []
    private var isInLine = false
    /// Checks whether a place has expired, while a request waits for one.
    private var timer: Scheduled<Void>?

    init(
        limits: EdgeLimits, line: TurnLine, loop: any EventLoop, room: BodyRoom, streams: ConnectionCounts,
        network: [UInt8], client: String, turnedAway: @escaping EdgeRefusalSink, waited: @escaping EdgeWaitSink
    ) {
        self.limits = limits
        self.line = line
        self.loop = loop
        self.room = room
        self.streams = streams
        self.network = network
        self.client = client
        self.turnedAway = turnedAway
        self.waited = waited
    }

    /// Returns whether the network may have one more stream; if so, `ended` must be called when it ends.
    func begin() -> Bool { streams.enter(network) }

    func ended() { streams.leave(network) }

    /// Returns a place for a request that has arrived; nil if it must wait until its `goOn` is called.
    func enter(_ turn: StreamTurn) -> Int? {
        if waiting.isEmpty, hasPlace() { return takePlace() }
        waiting.append(turn)
        waited(.http2)
        settle()
        return nil
    }

    /// Frees a place, when the answer begins.
    func leave(_ place: Int) {
        places.removeAll { $0.number == place }
        settle()
    }

    /// Removes a waiting request that was withdrawn.
    func giveUp(_ turn: StreamTurn) { waiting.removeAll { $0 === turn } }

    private func hasPlace() -> Bool {
        let now = NIODeadline.now()
        // All places last equally long, so the oldest expires first.
        while let first = places.first, first.end <= now { places.removeFirst() }
        return places.count < limits.streamsInWorkMax
    }

    private func takePlace() -> Int {
        begunCount += 1
        places.append(Place(number: begunCount, end: .now() + TimeAmount(limits.streamPlaceTime)))
        return begunCount
    }

    /// Handles waiting requests, after a change that they may have been waiting for.
    private func settle() {
        guard !waiting.isEmpty else { return }
        if hasPlace() {
            getInLine()
        } else if timer == nil, let first = places.first {
            timer = loop.assumeIsolated().scheduleTask(deadline: first.end) { [self] in
                timer = nil
                settle()
            }
        }
    }

    private func getInLine() {
        guard !isInLine else { return }
        isInLine = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        line.wait { bound.value.takeTurn() }
    }

    /// Returns false if no request waits for the turn any more.
    private func takeTurn() -> Bool {
        isInLine = false
        guard let next = waiting.first, hasPlace() else {
            settle()
            return false
        }
        waiting.removeFirst()
        next.goOn(in: takePlace())
        settle()
        return true
    }
}

/// Holds back an HTTP/2 request, right after its codec, until its connection's gate lets it proceed, and reads no more
/// of its body meanwhile. Confined to the connection's event loop.
final class StreamTurn: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum Stage {
        case new
        case waiting
        case inWork(place: Int)
        case answered
        /// The request has ended; whatever arrives for it is dropped.
        case over
    }

    /// Bytes of a body that a client may send before any are acknowledged (RFC 9113 §6.9.2).
    private static let windowBytes = 65_535

    private let gate: StreamGate
    private var stage = Stage.new
    /// The parts of a waiting request that have arrived.
    private var held: [HTTPRequestPart] = []
    /// The room for the part of a body that may arrive while the request waits.
    private var bodyPlace: BodyRoom.Place?
    private var isBodyCounted = false
    /// Whether this stream counts towards its network.
    private var isCounted = false
    private var wantsRead = false
    private var context: ChannelHandlerContext?

    init(gate: StreamGate) { self.gate = gate }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch stage {
        case .new:
            guard case .head = part else { return context.fireChannelRead(data) }
            guard gate.begin() else { return refuse(context, as: .addressStreams) }
            isCounted = true
            if let place = gate.enter(self) {
                stage = .inWork(place: place)
                context.fireChannelRead(data)
            } else {
                stage = .waiting
                held.append(part)
            }
        case .waiting: held.append(part)
        case .inWork, .answered: context.fireChannelRead(data)
        case .over: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard case .waiting = stage else { return context.fireChannelReadComplete() }
        if !isBodyCounted, !makeRoom() { refuse(context, as: .bodies) }
    }

    func read(context: ChannelHandlerContext) {
        if case .waiting = stage { wantsRead = true } else { context.read() }
    }

    /// Passes on a request whose turn has come.
    func goOn(in place: Int) {
        guard let context, case .waiting = stage else { return }
        stage = .inWork(place: place)
        // The reader of the body makes room for it.
        bodyPlace = nil
        let parts = held
        held = []
        for part in parts { context.fireChannelRead(wrapInboundOut(part)) }
        context.fireChannelReadComplete()
        guard wantsRead else { return }
        wantsRead = false
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        if case .waiting = stage { gate.giveUp(self) }
        if isCounted { gate.ended() }
        isCounted = false
        stage = .over
        held = []
        bodyPlace = nil
    }

    // MARK: Bodies

    /// Makes room for what may arrive of the body while the request waits; returns false if there is none.
    private func makeRoom() -> Bool {
        guard case .head(let head)? = held.first else { return true }
        isBodyCounted = true
        if case .end? = held.last { return true }
        // The end of a request without a body may come in a frame of its own, which stays unread.
        if head.headerFields[.contentLength] == nil, [.get, .head, .options].contains(head.method) { return true }
        let length = head.headerFields[.contentLength].flatMap { Int($0) } ?? Self.windowBytes
        var place = BodyRoom.Place(in: gate.room, client: gate.client)
        let hasRoom = place.grow(by: max(0, min(length, Self.windowBytes)))
        bodyPlace = consume place
        return hasRoom
    }

    /// Tells the client that the request was not processed, so that it can be retried (RFC 9113 §8.7).
    private func refuse(_ context: ChannelHandlerContext, as kind: EdgeRefusal.Abuse) {
        end()
        gate.turnedAway(.abuse(kind))
        context.triggerUserOutboundEvent(NIOHTTP2FramePayloadToHTTPEvent.reset(code: .refusedStream), promise: nil)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard case .inWork(let place) = stage, case .head(let head) = unwrapOutboundIn(data),
            head.status.kind != .informational
        else { return }
        stage = .answered
        gate.leave(place)
    }
}
