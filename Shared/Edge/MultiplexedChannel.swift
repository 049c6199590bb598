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
    func setup(_ channel: any Channel, gate: StreamGate?, _ logger: Logger) throws -> Streams {
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
        ) { [requests, limits] stream in
            stream.eventLoop.makeCompletedFuture {
                let pipeline = stream.pipeline.syncOperations
                try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
                if let gate = bound?.value { try pipeline.addHandler(StreamTurn(gate: gate)) }
                try pipeline.addHandlers(requests.configuration.additionalChannelHandlers())
                try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: limits.idleTimeout, logger: logger))
                return try HTTP1Channel.Value(wrappingChannelSynchronously: stream)
            }
        }
        // Its clock begins when it hears that the connection is open, which was before HTTP/2 was agreed on.
        let watch = try pipeline.handler(type: NIOHTTP2ServerConnectionManagementHandler.self)
        try watch.channelActive(context: pipeline.context(handler: watch))
        return streams
    }

    /// Serves the streams until the connection ends.
    func handle(_ streams: Streams, _ logger: Logger) async {
        // Why it ended has been told by who found it (`FrameFaults`).
        try? await withThrowingDiscardingTaskGroup { group in
            for try await stream in streams.inbound {
                group.addTask {
                    await withTaskCancellationHandler {
                        await requests.handle(value: stream, logger: logger)
                    } onCancel: {
                        // It waits until the stream has ended, which it may have no other reason to do.
                        stream.channel.close(promise: nil)
                    }
                }
            }
        }
    }
}
