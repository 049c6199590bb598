internal import Contracts
internal import Glibc
internal import NIOCore
internal import NIOHTTPTypes
internal import NIOPosix
internal import Synchronization

/// Connections whose last answer continues by itself. Thousands listen and hear little, and the task, the parser and
/// the buffers of a connection that only waits take ten times the memory of what is left here.
///
/// A new channel with a nearly empty pipeline takes over the socket, and the web framework sees its connection close.
final class StreamLines: Sendable {
    private let limits: EdgeLimits
    private let counts: ConnectionCounts
    private let connections: OpenConnections
    /// The maximum number of lines; beyond it, answers stay with the framework.
    private let countMax: Int
    private let open = Mutex<[ObjectIdentifier: StreamLine]>([:])
    private let begun = Atomic(0)
    /// The listening channel, which must try again to accept when there is room.
    private let listener = Mutex<(any Channel)?>(nil)

    init(limits: EdgeLimits, counts: ConnectionCounts, connections: OpenConnections, countMax: Int) {
        self.limits = limits
        self.counts = counts
        self.connections = connections
        self.countMax = countMax
    }

    /// The number of lines that are open, or about to be.
    var count: Int { begun.load(ordering: .relaxed) }

    /// Takes over a plain HTTP/1.1 connection in the middle of a chunked answer, once the system has taken everything
    /// written so far. Returns nil if that is impossible; the connection may be closed then.
    func take(over channel: any Channel) async -> StreamLine? {
        guard count < countMax else { return nil }
        guard begun.add(1, ordering: .relaxed).newValue <= countMax else {
            ended()
            return nil
        }
        do {
            return try await channel.eventLoop.flatSubmit { self.move(channel) }.get()
        } catch {
            ended()
            return nil
        }
    }

    /// Sets the channel that accepts connections.
    func serve(_ listener: any Channel) { self.listener.withLock { $0 = listener } }

    private func ended() {
        begun.subtract(1, ordering: .relaxed)
        listener.withLock { $0 }?.read()
    }

    private struct NoSocket: Error {}

    private func move(_ channel: any Channel) -> EventLoopFuture<StreamLine> {
        let loop = channel.eventLoop
        let written = loop.makePromise(of: Void.self)
        do {
            let last = try channel.pipeline.syncOperations.context(handlerType: RequestGuard.self)
            // An empty write that completes in order: everything written before it has left.
            last.writeAndFlush(NIOAny(HTTPResponsePart.body(ByteBuffer())), promise: written)
        } catch {
            written.fail(error)
        }
        let network = counts.network(of: channel)
        return written.futureResult.flatMapThrowing {
            let descriptor = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { fcntl($0, F_DUPFD_CLOEXEC, 0) }
            guard let descriptor, descriptor >= 0 else { throw NoSocket() }
            // From now on the line reports the client's departure.
            self.connections.forget(ObjectIdentifier(channel))
            // The whole channel: closing one direction would shut it down for the duplicated socket as well.
            channel.close(promise: nil)
            return descriptor
        }.flatMap { descriptor in
            ClientBootstrap(group: loop).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LineEnd(line: StreamLine(channel, self.limits)))
                }
            }.withConnectedSocket(descriptor)
        }.flatMapThrowing { channel in
            let line = try channel.pipeline.syncOperations.handler(type: LineEnd.self).line
            if let network { self.counts.keep(network) }
            self.open.withLock { $0[ObjectIdentifier(line)] = line }
            channel.closeFuture.whenComplete { _ in
                if let network { self.counts.leave(network) }
                self.open.withLock { $0[ObjectIdentifier(line)] = nil }
                self.ended()
            }
            return line
        }
    }

    /// Waits until all lines have ended, and closes the remaining ones after `patience`.
    func end(within patience: Duration) async {
        let end = ContinuousClock.now + patience
        while count > 0, ContinuousClock.now < end {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { break }
        }
        for line in open.withLock({ Array($0.values) }) { line.close() }
    }
}

/// The rest of a chunked answer (RFC 9112 §7.1), the last one of its connection.
final class StreamLine: EdgeLine {
    private struct State {
        /// The bytes that the system has not taken yet, and the deadline for it to take some of them.
        var unreadCount = 0
        var patienceEnd = NIODeadline.distantFuture
        var isWatched = false
        var isOver = false
        var tell: (@Sendable (EdgeLineNews) -> Void)?
    }

    private let channel: any Channel
    private let limits: EdgeLimits
    private let state = Mutex(State())

    init(_ channel: any Channel, _ limits: EdgeLimits) {
        self.channel = channel
        self.limits = limits
    }

    var hasRoom: Bool { state.withLock { !$0.isOver && $0.unreadCount < limits.answerPieceBytes } }

    func follow(_ tell: @escaping @Sendable (EdgeLineNews) -> Void) {
        let isOver = state.withLock { state in
            if !state.isOver { state.tell = tell }
            return state.isOver
        }
        if isOver { tell(.gone) }
    }

    func write(_ piece: [UInt8]) { send(Self.chunk(piece), isLast: false) }

    func end(_ last: [UInt8]) { send(Self.chunk(last) + Array("0\r\n\r\n".utf8), isLast: true) }

    func close() { channel.close(promise: nil) }

    private static func chunk(_ piece: [UInt8]) -> [UInt8] {
        // An empty chunk would be the end.
        if piece.isEmpty { return [] }
        return Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [0x0d, 0x0a]
    }

    private func send(_ bytes: [UInt8], isLast: Bool) {
        let isOver = state.withLock { state in
            if state.isOver { return true }
            // A timer that runs on from an earlier piece must not count against this one.
            if state.unreadCount == 0 { state.patienceEnd = .now() + TimeAmount(limits.writeTimeout) }
            state.unreadCount += bytes.count
            state.isOver = isLast
            return false
        }
        guard !isOver else { return }
        // Never synchronously: reporting room while the caller is writing would find the caller's lock taken.
        channel.eventLoop.execute { [self] in
            let taken = channel.eventLoop.makePromise(of: Void.self)
            taken.futureResult.whenComplete { _ in self.wasTaken(bytes.count, isLast) }
            channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: taken)
            awaitTaking()
        }
    }

    private func wasTaken(_ count: Int, _ isLast: Bool) {
        let tell = state.withLock { state in
            state.unreadCount -= count
            state.patienceEnd = .now() + TimeAmount(limits.writeTimeout)
            let hadRoom = state.unreadCount + count < limits.answerPieceBytes
            return hadRoom || state.unreadCount >= limits.answerPieceBytes ? nil : state.tell
        }
        if isLast { channel.close(promise: nil) }
        tell?(.room)
    }

    /// Closes the connection of a client that reads nothing within `writeTimeout`.
    private func awaitTaking() {
        let begins = state.withLock { state in
            guard state.unreadCount > 0, !state.isWatched else { return false }
            state.isWatched = true
            state.patienceEnd = .now() + TimeAmount(limits.writeTimeout)
            return true
        }
        if begins { look(at: .now() + TimeAmount(limits.writeTimeout)) }
    }

    private func look(at moment: NIODeadline) {
        channel.eventLoop.scheduleTask(deadline: moment) { [self] in
            let next = state.withLock { state in
                guard state.unreadCount > 0, channel.isActive else {
                    state.isWatched = false
                    return nil as NIODeadline?
                }
                return state.patienceEnd
            }
            guard let next else { return }
            guard next <= .now() else { return look(at: next) }
            // Without lingering: otherwise the kernel would keep unread data for hours.
            _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            channel.close(promise: nil)
        }
    }

    /// Reports that the connection is closed.
    fileprivate func closed() {
        let tell = state.withLock { state in
            state.isOver = true
            defer { state.tell = nil }
            return state.tell
        }
        tell?(.gone)
    }
}

/// The only handler in a line's pipeline. What a client still sends belongs to no request (RFC 9112 §9.6) and is
/// dropped.
private final class LineEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Bytes that are dropped before the connection is closed.
    private static let droppedMax = 65_536

    let line: StreamLine
    private var droppedCount = 0

    init(line: StreamLine) { self.line = line }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        droppedCount += unwrapInboundIn(data).readableBytes
        if droppedCount > Self.droppedMax { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) { line.closed() }
}
