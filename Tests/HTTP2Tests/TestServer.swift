import HTTP2
import NIOCore
import NIOPosix
import Synchronization

/// A server with `TestHandlers` on a free port, and its observations.
struct TestServer: Sendable {
    let server: H2Server
    let handlers: TestHandlers
    let observed: Observed

    static let group = MultiThreadedEventLoopGroup.singleton

    static func start(_ change: (inout H2Limits) -> Void = { _ in }) async throws -> TestServer {
        var limits = H2Limits()
        limits.sweepInterval = .milliseconds(20)
        limits.lingerTimeout = .milliseconds(500)
        change(&limits)
        let handlers = TestHandlers()
        let observed = Observed()
        let server = try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: 0)], limits: limits, group: group, observe: observed.note,
            handler: handlers.answer)
        return TestServer(server: server, handlers: handlers, observed: observed)
    }

    func connect(
        _ change: (inout H2Limits) -> Void = { _ in },
        onChange: @escaping @Sendable (H2ClientConnection.Change) -> Void = { _ in }
    ) async throws -> H2ClientConnection {
        var limits = H2Limits.client
        limits.sweepInterval = .milliseconds(20)
        change(&limits)
        return try await H2ClientConnection.connect(
            host: "127.0.0.1", port: server.boundPort, limits: limits, group: Self.group, onChange: onChange)
    }

    func stop() async {
        handlers.releaseAll()
        await server.shutdown(grace: .zero)
    }
}

/// The values passed to a sink, in order.
final class Observed: Sendable {
    private let values = Mutex<[H2Observation]>([])

    @Sendable func note(_ value: H2Observation) { values.withLock { $0.append(value) } }

    var all: [H2Observation] { values.withLock { $0 } }
}

/// A peer that sends fixed bytes to every client and never reads.
enum SilentPeer {
    private final class Handler: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let greeting: [UInt8]

        init(greeting: [UInt8]) { self.greeting = greeting }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: greeting)), promise: nil)
        }
    }

    static func start(greeting: [UInt8]) async throws -> any Channel {
        try await ServerBootstrap(group: TestServer.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(greeting: greeting))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }
}

extension H2Request {
    static func post(_ path: String, body: [UInt8] = []) -> H2Request {
        H2Request(method: "POST", path: path, authority: "test", body: body)
    }
}

extension ContinuousClock.Instant {
    /// A deadline that only a hanging test reaches.
    static var far: ContinuousClock.Instant { .now + .seconds(20) }
}
