internal import Contracts
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTP2
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1
internal import NIOSSL
internal import NIOTLS

/// Sets up a connection of the public side: counts it, adds TLS if there is a certificate, and HTTP/2 if TLS negotiated
/// it. The parsers of both protocols are the web framework's.
struct EdgeChannel: ServerChildChannel {
    enum Connection: Sendable {
        case http1(HTTP1Channel.Value)
        case http2(MultiplexedChannel.Streams)
    }

    struct Value: ServerChildChannelValue {
        fileprivate let connection: EventLoopFuture<Connection>
        let channel: any Channel
    }

    private let http1: HTTP1Channel
    private let http2: MultiplexedChannel
    private let certificate: EdgeCertificate?
    private let counts: ConnectionCounts
    /// Counts streams over HTTP/2.
    private let streams: ConnectionCounts
    private let limits: EdgeLimits
    private let executors: LoopExecutors
    private let lines: TurnLines
    private let room: BodyRoom
    private let turnedAway: EdgeRefusalSink
    private let waited: EdgeWaitSink

    init(
        responder: @escaping HTTPChannelHandler.Responder, requests: HTTP1Channel.Configuration,
        certificate: EdgeCertificate?, counts: ConnectionCounts, limits: EdgeLimits,
        executors: LoopExecutors, lines: TurnLines, room: BodyRoom, turnedAway: @escaping EdgeRefusalSink,
        waited: @escaping EdgeWaitSink
    ) {
        http1 = HTTP1Channel(responder: responder, configuration: requests)
        http2 = MultiplexedChannel(requests: http1, limits: limits)
        self.certificate = certificate
        self.counts = counts
        streams = ConnectionCounts(limit: limits.addressStreamsMax, proxies: TrustedProxies())
        self.limits = limits
        self.executors = executors
        self.lines = lines
        self.room = room
        self.turnedAway = turnedAway
        self.waited = waited
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let isLetIn = count(channel)
        guard let certificate else {
            return plain(channel, logger).map { connection in
                Value(connection: channel.eventLoop.makeSucceededFuture(connection), channel: channel)
            }
        }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            // All that is read at once is decrypted into one buffer, which lives as long as any slice of it.
            try channel.syncOptions?.setOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2_048, maximum: Self.readBytesMax))
            try pipeline.addHandler(NIOSSLServerHandler(context: certificate.context))
            let handshake = HandshakeWatch()
            try pipeline.addHandler(handshake)
            let agreement = NIOTypedApplicationProtocolNegotiationHandler<Connection> { result in
                switch result {
                case .negotiated("h2"): multiplexed(channel)
                case .negotiated("http/1.1"), .fallback: plain(channel, logger)
                case .negotiated(let other): channel.eventLoop.makeFailedFuture(UnknownProtocol(name: other))
                }
            }
            try pipeline.addHandler(agreement)
            let connection = agreement.protocolNegotiationResult
            let patience = channel.eventLoop.scheduleTask(in: TimeAmount(limits.handshakeTimeout)) {
                channel.close(promise: nil)
            }
            connection.assumeIsolated().whenComplete { _ in
                patience.cancel()
                pipeline.removeHandler(handshake, promise: nil)
            }
            connection.assumeIsolated().whenFailure { [turnedAway] _ in
                if isLetIn, !handshake.isOver { turnedAway(.connection(.tls)) }
                channel.close(promise: nil)
            }
            return Value(connection: connection, channel: channel)
        }
    }

    /// Bytes read at once over TLS: a record of the largest size (RFC 8446 §5.1).
    private static let readBytesMax = 16_384

    private struct UnknownProtocol: Error { let name: String }

    /// Sets up HTTP/1.1, with its guards around the parser.
    private func plain(_ channel: any Channel, _ logger: Logger) -> EventLoopFuture<Connection> {
        http1.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let guardian = try pipeline.handler(type: RequestGuard.self)
            let clock = HeadClock(limits: limits, guardian: guardian)
            let parts = PartGate(clock: clock, line: lines[channel.eventLoop], waited: waited)
            let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(clock, position: .before(parser))
            try pipeline.addHandler(
                ByteGate(limits: limits, clock: clock, parts: parts), position: .before(clock))
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            try pipeline.addHandler(parts, position: .before(codec))
            try pipeline.addHandler(
                HeadGuard(limits: limits, clock: clock, guardian: guardian), position: .before(codec))
            return .http1(value)
        }
    }

    /// Sets up HTTP/2, with its guards around the parser.
    private func multiplexed(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            let streams = try http2.setup(channel, gate: gate(of: channel))
            let pipeline = channel.pipeline.syncOperations
            let parser = try pipeline.handler(type: NIOHTTP2Handler.self)
            try pipeline.addHandler(
                FrameClock(
                    limits: limits, line: counts.network(of: channel).map { _ in lines[channel.eventLoop] },
                    turnedAway: turnedAway), position: .before(parser))
            try pipeline.addHandler(Farewell(limits: limits), position: .after(parser))
            try pipeline.addHandler(FrameFaults(limits: limits, turnedAway: turnedAway), position: .after(parser))
            return Connection.http2(streams)
        }
    }

    /// Returns the gate for the requests of a connection; nil for a proxy's. Those are all clients' requests and do not
    /// wait: limiting a client that sends too many is up to the proxy.
    private func gate(of channel: any Channel) -> StreamGate? {
        guard let network = counts.network(of: channel) else { return nil }
        return StreamGate(
            limits: limits, line: lines[channel.eventLoop], loop: channel.eventLoop, room: room,
            streams: streams, network: network, client: channel.remoteAddress?.ipAddress ?? "",
            turnedAway: turnedAway, waited: waited)
    }

    func handle(value: Value, logger: Logger) async {
        do {
            let connection = try await value.connection.get()
            await withTaskExecutorPreference(executors[value.channel.eventLoop]) {
                switch connection {
                case .http1(let connection): await http1.handle(value: connection, logger: logger)
                case .http2(let streams): await http2.handle(streams, of: value.channel, logger)
                }
            }
        } catch {
            logger.debug("no protocol was negotiated", metadata: ["cause": "\(error)"])
        }
    }

    /// Counts a connection, and closes it if its network has too many; returns whether it was let in.
    private func count(_ channel: any Channel) -> Bool {
        guard let network = counts.network(of: channel) else { return true }
        guard counts.enter(network) else {
            turnedAway(.connection(.address))
            channel.eventLoop.execute { channel.close(promise: nil) }
            return false
        }
        channel.closeFuture.whenComplete { _ in counts.leave(network) }
        return true
    }
}

/// Distinguishes clients that left once TLS was negotiated from clients that failed to negotiate it, right above TLS.
/// If a client goes as soon as it has sent the last of its handshake, the answer to that fails before the handshake is
/// reported as complete. Confined to the connection's event loop.
private final class HandshakeWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private(set) var isOver = false

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { isOver = true }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // During the handshake, an end of the stream is reported as another error.
        if case .uncleanShutdown = error as? NIOSSLError { isOver = true }
        context.fireErrorCaught(error)
    }
}
