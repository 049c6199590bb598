import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Outbound
import Synchronization
import Testing

/// Connections are judged by the address that they have.
@Suite(.serialized) struct OutboundGuardTests {
    /// A listener on this machine that should hear nothing.
    private enum Canary {
        private final class Ear: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer
            let hear: @Sendable (Int) -> Void
            let answer: String

            init(_ answer: String, _ hear: @escaping @Sendable (Int) -> Void) {
                self.answer = answer
                self.hear = hear
            }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                hear(unwrapInboundIn(data).readableBytes)
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            }
        }

        static func listen(
            _ answer: String = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        ) async throws -> (port: Int, heard: Heard, channel: any Channel) {
            let heard = Heard()
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Ear(answer) { heard.add($0) })
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            return (channel.localAddress?.port ?? 0, heard, channel)
        }
    }

    private final class Heard: Sendable {
        private let bytes = Mutex(0)
        var byteCount: Int { bytes.withLock { $0 } }
        func add(_ count: Int) { bytes.withLock { $0 += count } }
    }

    /// What a call by a client under `rule` comes to: its status, or nil where it failed.
    private static func call(
        _ url: String, under rule: OutboundRule?, lying names: [String: String] = [:]
    ) async throws -> Int? {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(2)
        configuration.dnsOverride = names
        if let rule { OutboundGuard(rule).protect(&configuration) }
        let client = HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        let outcome: Int?
        do {
            outcome = Int(try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(2)).status.code)
        } catch {
            outcome = nil
        }
        try await client.shutdown()
        return outcome
    }

    @Test("A name that leads to this machine, now or since a moment ago: the listener there hears no byte")
    func names() async throws {
        let canary = try await Canary.listen()
        let strict = OutboundRule()
        for (url, names) in [
            ("http://localhost:\(canary.port)/", [:]), ("http://127.0.0.1:\(canary.port)/", [:]),
            // A name server that says one thing when it is asked and another when it counts.
            ("http://api.themoviedb.org:\(canary.port)/3", ["api.themoviedb.org": "127.0.0.1"]),
            ("http://rebound.example:\(canary.port)/", ["rebound.example": "127.0.0.1"]),
        ] as [(String, [String: String])] {
            #expect(try await Self.call(url, under: strict, lying: names) == nil, "\(url)")
        }
        #expect(canary.heard.byteCount == 0)
        // Without the guard it would have heard, and with a network that is named it may.
        #expect(
            try await Self.call(
                "http://rebound.example:\(canary.port)/", under: nil, lying: ["rebound.example": "127.0.0.1"]) == 200)
        #expect(canary.heard.byteCount > 0)
        print("mutant no address check: caught, the listener heard \(canary.heard.byteCount) bytes")
        let open = OutboundRule(networks: [try #require(OutboundRange("127.0.0.0/8"))])
        #expect(try await Self.call("http://localhost:\(canary.port)/", under: open) == 200)
        let own = OutboundRule(networks: [try #require(OutboundRange("127.0.0.0/8"))], ownPorts: [canary.port])
        let before = canary.heard.byteCount
        #expect(try await Self.call("http://localhost:\(canary.port)/", under: own) == nil)
        #expect(canary.heard.byteCount == before, "never the installation's own services")
        try await canary.channel.close()
    }

    @Test("An answer that sends elsewhere is an answer, and leads nowhere")
    func redirects() async throws {
        let canary = try await Canary.listen()
        let sender = try await Canary.listen(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:\(canary.port)/\r\ncontent-length: 0\r\n\r\n")
        let rule = OutboundRule(
            networks: [try #require(OutboundRange("127.0.0.1"))], ownPorts: [canary.port])
        #expect(try await Self.call("http://127.0.0.1:\(sender.port)/", under: rule) == 302)
        #expect(canary.heard.byteCount == 0)
        try await canary.channel.close()
        try await sender.channel.close()
    }
}
