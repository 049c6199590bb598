internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP2
internal import NIOHTTPTypesHTTP2

/// A connection over HTTP/2 and its streams. The web framework has such a channel too, which cannot be told how many streams to
/// remember that were reset here.
struct MultiplexedChannel {
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<HTTP1Channel.Value>

    /// What serves the request of a stream.
    private let requests: HTTP1Channel
    private let limits: EdgeLimits

    init(requests: HTTP1Channel, limits: EdgeLimits) {
        self.requests = requests
        self.limits = limits
    }

    /// Puts the parser in place, and what tells connections that have no requests, or have to end, to go. On the connection's
    /// event loop.
    func setup(_ channel: any Channel, gate: StreamGate?) throws -> Streams {
        // What watches a connection holds on to itself until that closes.
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
                // Not the framework's handler that ends idle connections and those of a server that stops: it resets a stream
                // whose answer is written, though the client may not have let all of it come yet. `RequestGuard` has the
                // time of each request, and the connection waits for its streams.
                try pipeline.addHandlers(requests.configuration.additionalChannelHandlers())
                let value = try HTTP1Channel.Value(wrappingChannelSynchronously: stream)
                // One that nobody takes, as of a connection that is cancelled, has to stay until its stream has ended: the
                // framework traps where it is let go before.
                stream.closeFuture.whenComplete { _ in withExtendedLifetime(value) {} }
                return value
            }
        }
        // Its clock begins when it hears that the connection is open, which was before HTTP/2 was agreed on.
        let watch = try pipeline.handler(type: NIOHTTP2ServerConnectionManagementHandler.self)
        try watch.channelActive(context: pipeline.context(handler: watch))
        return streams
    }

    /// Serves the streams until the connection ends. Where it is cancelled, or cannot go on, it ends the connection, on which
    /// nobody would take a stream any more.
    func handle(_ streams: Streams, of channel: any Channel, _ logger: Logger) async {
        @Sendable func end() { channel.eventLoop.execute { channel.throwOut() } }
        await withTaskCancellationHandler {
            // Why it ended has been told by who found it (`FrameFaults`).
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
