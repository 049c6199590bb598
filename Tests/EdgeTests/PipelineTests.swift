import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import RPC
import Synchronization
import Testing

@testable import Contracts
@testable import Edge

/// Requests over HTTP/1.1 that are sent before the preceding ones are answered.
@Suite(.serialized) struct PipelineTests: EdgeServing {
    /// Counts the reads requested from the socket.
    private final class ReadCounter: ChannelOutboundHandler {
        typealias OutboundIn = IOData

        var count = 0

        func read(context: ChannelHandlerContext) {
            count += 1
            context.read()
        }
    }

    /// Counts errors that do not come from the connection.
    private final class ErrorKeeper: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        var count = 0

        func errorCaught(context: ChannelHandlerContext, error: any Error) { count += 1 }
    }

    /// The parser of a connection, between its gates.
    private struct Gated {
        let channel: EmbeddedChannel
        let reads = ReadCounter()
        let errors = ErrorKeeper()

        init(_ line: TurnLine, on loop: EmbeddedEventLoop) throws {
            channel = EmbeddedChannel(loop: loop)
            let limits = EdgeLimits()
            let guardian = RequestGuard(
                limits: limits, connections: OpenConnections(), answer: { _ in EdgeResponse(status: 400) },
                turnedAway: { _ in })
            let clock = HeadClock(limits: limits, guardian: guardian)
            let parts = PartGate(clock: clock, line: line, waited: { _ in })
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(reads)
            try pipeline.addHandler(ByteGate(limits: limits, clock: clock, parts: parts))
            try pipeline.addHandler(clock)
            try pipeline.addHandler(HTTPResponseEncoder())
            try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
            try pipeline.addHandler(parts)
            try pipeline.addHandler(errors)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

        /// What has come through since the last call: the URI of each request, its body, and a period at its end.
        func arrived() throws -> String {
            var text = ""
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head(let head): text += head.uri
                case .body(let piece): text += String(buffer: piece)
                case .end: text += "."
                }
            }
            return text
        }

        func answer() throws {
            let head = HTTPResponseHead(version: .http1_1, status: .noContent)
            try channel.writeOutbound(HTTPServerResponsePart.head(head))
            try channel.writeOutbound(HTTPServerResponsePart.end(nil))
        }

        func finish() { _ = try? channel.finish(acceptAlreadyClosed: true) }
    }

    private static func requests(_ numbers: Range<Int>) -> String {
        numbers.map { "GET /\($0) HTTP/1.1\r\nhost: a\r\n\r\n" }.joined()
    }

    private static let pause = EdgeLimits().pipelinedPause

    @Test("However many requests arrive in one go, each begins after the answer before it and a pause, in order")
    func oneByOne() throws {
        let loop = EmbeddedEventLoop()
        let gated = try Gated(TurnLine(loop, pause: Self.pause), on: loop)
        defer { gated.finish() }
        // More than one slice of the parser.
        try gated.send(Self.requests(0..<300))
        for number in 0..<300 {
            #expect(try gated.arrived() == "/\(number).")
            loop.advanceTime(by: .milliseconds(5))
            #expect(try gated.arrived() == "", "\(number) has no answer")
            try gated.answer()
            #expect(try gated.arrived() == "", "after \(number) comes a pause")
            loop.advanceTime(by: TimeAmount(Self.pause))
        }
        #expect(try gated.arrived() == "")
        #expect(gated.errors.count == 0)
    }

    @Test("Bytes that keep coming while requests wait, as after a client has closed its side, end the connection")
    func tooManyBytes() throws {
        let loop = EmbeddedEventLoop()
        let gated = try Gated(TurnLine(loop, pause: Self.pause), on: loop)
        defer { gated.finish() }
        try gated.send(Self.requests(0..<300))
        let piece = Self.requests(0..<2_000)
        for _ in 0..<(EdgeLimits().waitingBytesMax / piece.utf8.count) - 1 { try gated.send(piece) }
        #expect(gated.channel.isActive)
        for _ in 0..<3 where gated.channel.isActive { try gated.send(piece) }
        #expect(!gated.channel.isActive)
    }

    @Test("Who sends a request after the answer before waits for no turn, whoever is in the line")
    func polite() throws {
        let loop = EmbeddedEventLoop()
        let line = TurnLine(loop, pause: Self.pause)
        let crowd = try (0..<50).map { _ in try Gated(line, on: loop) }
        let polite = try Gated(line, on: loop)
        defer { for gated in crowd + [polite] { gated.finish() } }
        for gated in crowd { try gated.send(Self.requests(0..<100)) }
        /// Answers what has come through and returns its count.
        func answered() throws -> Int {
            var count = 0
            for gated in crowd {
                guard try !gated.arrived().isEmpty else { continue }
                try gated.answer()
                count += 1
            }
            return count
        }
        #expect(try answered() == 50, "the first request of each was not sent ahead of anything")
        for number in 0..<100 {
            try polite.send(Self.requests(number..<(number + 1)))
            #expect(try polite.arrived() == "/\(number).")
            try polite.answer()
            loop.advanceTime(by: TimeAmount(Self.pause))
            #expect(try answered() == 1, "one of all in each pause")
        }
    }

    @Test("Nothing is read while something waits, and what does not go on without room waits for that")
    func room() throws {
        let loop = EmbeddedEventLoop()
        let gated = try Gated(TurnLine(loop, pause: Self.pause), on: loop)
        defer { gated.finish() }
        gated.channel.read()
        let before = gated.reads.count
        try gated.send(Self.requests(0..<2))
        gated.channel.read()
        #expect(gated.reads.count == before)
        #expect(try gated.arrived() == "/0.")
        gated.channel.isWritable = false
        gated.channel.pipeline.fireChannelWritabilityChanged()
        try gated.answer()
        loop.advanceTime(by: .seconds(1))
        #expect(try gated.arrived() == "")
        gated.channel.isWritable = true
        gated.channel.pipeline.fireChannelWritabilityChanged()
        loop.advanceTime(by: TimeAmount(Self.pause))
        #expect(try gated.arrived() == "/1.")
        #expect(gated.reads.count == before + 1, "who wanted to read does, once nothing waits")
    }

    @Test("Bodies and requests are the same however they are cut")
    func cuts() throws {
        let text =
            "POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
            + "POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\n\n\n\r\n0\r\n\r\n"
            + "\r\nGET /c HTTP/1.1\r\nhost: a\r\n\r\n"
        for cut in text.utf8.indices {
            let loop = EmbeddedEventLoop()
            let gated = try Gated(TurnLine(loop, pause: Self.pause), on: loop)
            defer { gated.finish() }
            try gated.send(String(decoding: text.utf8[..<cut], as: UTF8.self))
            try gated.send(String(decoding: text.utf8[cut...], as: UTF8.self))
            var all = ""
            for _ in 0..<3 {
                all += try gated.arrived()
                try gated.answer()
                loop.advanceTime(by: TimeAmount(Self.pause))
            }
            #expect(all == "/aabc./b\n\n./c.", "\(text.utf8.distance(from: text.utf8.startIndex, to: cut))")
        }
    }

    @Test("What cannot be read is refused after the requests before it")
    func broken() throws {
        let loop = EmbeddedEventLoop()
        let gated = try Gated(TurnLine(loop, pause: Self.pause), on: loop)
        defer { gated.finish() }
        try gated.send(Self.requests(0..<2) + "nonsense\r\n\r\n")
        #expect(try gated.arrived() == "/0.")
        #expect(gated.errors.count == 0)
        try gated.answer()
        loop.advanceTime(by: TimeAmount(Self.pause))
        #expect(try gated.arrived() == "/1.")
        #expect(gated.errors.count == 1)
    }

    private final class Count: Sendable {
        private let count = Mutex(0)

        var now: Int { count.withLock(\.self) }

        func add() { count.withLock { $0 += 1 } }
    }

    /// One loop for all connections of a test; it lives as long as the process.
    private static let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// A debug build used to answer others only after 10 s: thousands of requests of one connection were parsed and
    /// answered in one go.
    @Test("While one connection sends thousands of requests ahead, others of its loop are answered after a few of them")
    func fairness() async throws {
        let flooded = Count()
        let routes: [EdgeRoute] = [
            .open("flood", "GET", "/api/v1/flood") { (_, _) async throws(RPCError) in
                flooded.add()
                return EdgeResponse(status: 204)
            },
            .open("polite", "GET", "/api/v1/polite") { (_, _) async throws(RPCError) in EdgeResponse(status: 204) },
        ]
        var limits = EdgeLimits()
        limits.pipelinedPause = .milliseconds(20)
        let waits = Count()
        let waited: EdgeWaitSink = { wait in if wait == .http1 { waits.add() } }
        try await withServer(limits, routes: routes, group: Self.loop, waited: waited) { port in
            let flood = try RawClient(port: port)
            flood.write(String(repeating: "GET /api/v1/flood HTTP/1.1\r\nhost: a\r\n\r\n", count: 2_000))
            while flooded.now == 0 { try await Task.sleep(for: .milliseconds(1)) }
            let polite = try RawClient(port: port)
            for _ in 0..<10 {
                polite.write("GET /api/v1/polite HTTP/1.1\r\nhost: a\r\n\r\n")
                #expect(try await polite.read { $0.hasSuffix("\r\n\r\n") }.hasPrefix("HTTP/1.1 204 "))
            }
            // All 2,000 would take 40 s.
            #expect(flooded.now < 500)
            let begun = flooded.now
            #expect(waits.now >= begun - 1, "each but the first had to wait")
            #expect(try await flood.read { $0.contains("\r\n\r\n") }.hasPrefix("HTTP/1.1 204 "))
        }
    }

    @Test("Requests that are sent ahead are all answered, in order")
    func all() async throws {
        let routes: [EdgeRoute] = [
            .open("number", "GET", "/api/v1/numbers/{number}") { (request, _) async throws(RPCError) in
                let number = request.pathParameters["number"] ?? ""
                return EdgeResponse(
                    status: 200, headers: [("content-type", "text/plain")], body: Array("<\(number)>".utf8))
            }
        ]
        try await withServer(routes: routes) { port in
            let client = try RawClient(port: port)
            client.write((0..<200).map { "GET /api/v1/numbers/\($0) HTTP/1.1\r\nhost: a\r\n\r\n" }.joined())
            let answers = try await client.read { $0.contains("<199>") }
            #expect(answers.matches(of: #/<(\d+)>/#).compactMap { Int($0.1) } == Array(0..<200))
        }
    }
}

extension TurnLine {
    /// Creates a line whose pauses are all the same length.
    convenience init(_ loop: any EventLoop, pause: Duration) { self.init(loop, pauses: pause...pause) }
}
