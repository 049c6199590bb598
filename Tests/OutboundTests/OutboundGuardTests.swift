import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Outbound
import Synchronization
import Testing

/// Connections are judged by the address that they actually have.
@Suite(.serialized) struct OutboundGuardTests {
    /// A listener on this machine that should receive nothing.
    private enum Canary {
        private final class Ear: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer
            let heard: Heard
            /// Nil if it hangs up at once.
            let answer: String?

            init(_ answer: String?, _ heard: Heard) {
                self.answer = answer
                self.heard = heard
            }

            func channelActive(context: ChannelHandlerContext) {
                heard.open()
                if answer == nil { context.close(promise: nil) }
            }

            func channelInactive(context: ChannelHandlerContext) { heard.close() }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                heard.add(unwrapInboundIn(data).readableBytes)
                guard let answer else { return }
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            }
        }

        static func listen(
            _ answer: String? = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", on host: String = "127.0.0.1",
            port: Int = 0, _ heard: Heard = Heard()
        ) async throws -> (port: Int, heard: Heard, channel: any Channel) {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Ear(answer, heard))
                    }
                }
                .bind(host: host, port: port).get()
            return (channel.localAddress?.port ?? 0, heard, channel)
        }
    }

    private final class Heard: Sendable {
        private let counts = Mutex((bytes: 0, opened: 0, closed: 0))
        var byteCount: Int { counts.withLock { $0.bytes } }
        var openedCount: Int { counts.withLock { $0.opened } }
        var openCount: Int { counts.withLock { $0.opened - $0.closed } }
        func add(_ count: Int) { counts.withLock { $0.bytes += count } }
        func open() { counts.withLock { $0.opened += 1 } }
        func close() { counts.withLock { $0.closed += 1 } }

        /// Whether all connections are closed within ten seconds.
        func empties() async -> Bool {
            let end = ContinuousClock.now + .seconds(10)
            while openCount > 0, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(10)) }
            return openCount == 0
        }
    }

    /// Long enough for a call to a listener on this machine. A client whose connections are closed retries until its
    /// time is up.
    private static let inVain = TimeAmount.milliseconds(500)

    /// The outcome of a call by a client under `rule`: its status, or nil if it failed.
    private static func call(
        _ url: String, under rule: OutboundRule?, lying names: [String: String] = [:],
        within limit: TimeAmount = .seconds(2)
    ) async throws -> Int? {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = limit
        configuration.dnsOverride = names
        if let rule { OutboundGuard(rule).protect(&configuration) }
        let client = HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        let outcome: Int?
        do {
            outcome = Int(try await client.execute(HTTPClientRequest(url: url), timeout: limit).status.code)
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
            // A name server that changes its answer between the check and the connection.
            ("http://api.themoviedb.org:\(canary.port)/3", ["api.themoviedb.org": "127.0.0.1"]),
            ("http://rebound.example:\(canary.port)/", ["rebound.example": "127.0.0.1"]),
        ] as [(String, [String: String])] {
            #expect(try await Self.call(url, under: strict, lying: names, within: Self.inVain) == nil, "\(url)")
        }
        #expect(canary.heard.byteCount == 0)
        // Without the guard, bytes would have arrived, and with an allowed network they may.
        #expect(
            try await Self.call(
                "http://rebound.example:\(canary.port)/", under: nil, lying: ["rebound.example": "127.0.0.1"]) == 200)
        #expect(canary.heard.byteCount > 0)
        print("mutant no address check: caught, the listener heard \(canary.heard.byteCount) bytes")
        let open = OutboundRule(networks: [try #require(OutboundRange("127.0.0.0/8"))])
        #expect(try await Self.call("http://localhost:\(canary.port)/", under: open) == 200)
        let own = OutboundRule(networks: [try #require(OutboundRange("127.0.0.0/8"))], ownPorts: [canary.port])
        let before = canary.heard.byteCount
        #expect(try await Self.call("http://localhost:\(canary.port)/", under: own, within: Self.inVain) == nil)
        #expect(canary.heard.byteCount == before, "never the installation's own services")
        try await canary.channel.close()
    }

    /// Returns `url` with another port.
    private static func placed(_ url: String, at port: Int) -> String {
        guard let scheme = url.firstRange(of: "//") else { return url }
        let authority = url[scheme.upperBound...].prefix { $0 != "/" }
        let host = authority.replacing(/:[0-9]+$/, with: "")
        return "\(url[..<scheme.upperBound])\(host):\(port)\(url[authority.endIndex...])"
    }

    /// Returns the URLs that are answered when all are called concurrently.
    private static func answered(_ urls: [String], under rule: OutboundRule?) async throws -> [String] {
        try await withThrowingTaskGroup(of: String?.self) { group in
            for url in urls { group.addTask { try await call(url, under: rule) == nil ? nil : url } }
            return try await group.reduce(into: [String]()) { answered, url in
                if let url { answered.append(url) }
            }
        }
    }

    /// No setting accepts any of them (`OutboundRuleTests`); here they are called all the same.
    @Test("However this machine is written, and whatever a resolver makes of it, the listener hears no byte")
    func forms() async throws {
        let canary = try await Canary.listen(on: "0.0.0.0")
        // If the machine has IPv6.
        let other = try? await Canary.listen(on: "::1", port: canary.port, canary.heard)
        func placed(_ scheme: String) -> [String] {
            OutboundRuleTests.thisMachine.filter { $0.hasPrefix(scheme) }.map { Self.placed($0, at: canary.port) }
        }
        let plain = placed("http:") + placed("//")
        #expect(plain.count + placed("https:").count == OutboundRuleTests.thisMachine.count)
        #expect(try await Self.answered(plain, under: OutboundRule()) == [])
        #expect(canary.heard.byteCount == 0)
        #expect(await canary.heard.empties(), "connections that are refused are closed")
        let refused = canary.heard.openedCount
        // A TLS handshake may begin before the client checks; a request may not.
        #expect(try await Self.answered(placed("https:"), under: OutboundRule()) == [])
        // The same without the guard; otherwise nothing would have been shown.
        let reached = try await Self.answered(plain, under: nil)
        #expect(reached.count >= 5, "\(reached)")
        print(
            "addresses called: \(plain.count) ways of writing this machine, \(reached.count) of which lead here; "
                + "\(refused) connections refused, 0 bytes heard")
        try await canary.channel.close()
        try await other?.channel.close()
    }

    /// The client used to forget a refused connection, and crashed the process when the other side closed it a moment
    /// later.
    @Test("A place inside that hangs up at once is refused as any other")
    func hangsUp() async throws {
        let canary = try await Canary.listen(nil)
        for _ in 0..<3 {
            #expect(try await Self.call("http://127.0.0.1:\(canary.port)/", under: OutboundRule()) == nil)
        }
        #expect(canary.heard.openedCount > 0 && canary.heard.byteCount == 0)
        #expect(await canary.heard.empties())
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
