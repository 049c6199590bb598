internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP2
internal import NIOHTTPTypesHTTP2

/// A connection over HTTP/2 and its streams. The web framework has such a channel too, but its number of remembered
/// reset streams cannot be configured.
struct MultiplexedChannel {
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<HTTP1Channel.Value>

    /// Serves the request of a stream.
    private let requests: HTTP1Channel
    private let limits: EdgeLimits

    init(requests: HTTP1Channel, limits: EdgeLimits) {
        self.requests = requests
        self.limits = limits
    }

    /// Installs the parser, and the handler that tells idle or ending connections to go away. Must be called on the
    /// connection's event loop.
    func setup(_ channel: any Channel, gate: StreamGate?) throws -> Streams {
        // The connection manager retains itself until the connection closes.
        guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.maximumRecentlyResetStreams = limits.resetStreamsKept
        let bound = gate.map { NIOLoopBound($0, eventLoop: channel.eventLoop) }
        let pipeline = channel.pipeline.syncOperations
        let streams: Streams = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .server,
            connectionManagerConfiguration: NIOHTTP2ServerConnectionManagementHandler.Configuration(
                maxIdleTime: TimeAmount(limits.idleTimeout), maxAge: nil,
                maxGraceTime: TimeAmount(limits.operationTimeout), keepalive: nil),
            http2HandlerConfiguration: configuration
        ) { [requests] stream in
            stream.eventLoop.makeCompletedFuture {
                let pipeline = stream.pipeline.syncOperations
                try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
                if let gate = bound?.value { try pipeline.addHandler(StreamTurn(gate: gate)) }
                // Not the framework's handler for idle connections and for shutdown: it resets a stream whose answer is
                // written, even if the client has not yet let all of it through. `RequestGuard` limits the time of each
                // request, and the connection waits for its streams.
                try pipeline.addHandlers(requests.configuration.additionalChannelHandlers())
                let value = try HTTP1Channel.Value(wrappingChannelSynchronously: stream)
                // A stream that nobody takes, for example one of a cancelled connection, must be retained until it has
                // closed: the framework traps if it is released before.
                stream.closeFuture.whenComplete { _ in withExtendedLifetime(value) {} }
                return value
            }
        }
        // The handler's idle timer starts when it sees the connection become active, which was before HTTP/2 was
        // negotiated.
        let watch = try pipeline.handler(type: NIOHTTP2ServerConnectionManagementHandler.self)
        try watch.channelActive(context: pipeline.context(handler: watch))
        return streams
    }

    /// Serves the streams until the connection ends. Ends the connection if the task is cancelled or the streams fail,
    /// since no further stream would be served.
    func handle(_ streams: Streams, of channel: any Channel, _ logger: Logger) async {
        @Sendable func end() { channel.eventLoop.execute { channel.throwOut() } }
        await withTaskCancellationHandler {
            // `FrameFaults` has reported the cause.
            try? await withThrowingDiscardingTaskGroup { group in
                for try await stream in streams.inbound {
                    group.addTask { await requests.handle(value: stream, logger: logger) }
                }
            }
        } onCancel: {
            end()
        }
        end()
    }
}
