import Foundation
import RPC
import Synchronization
import Testing

@testable import Contracts
@testable import Edge

/// Streams that take over the connection for the rest of their answer.
@Suite(.serialized) struct StreamLineTests: EdgeServing {
    /// A stream of one piece, followed by whatever the test writes.
    private final class Rest: EdgeRest {
        private struct State {
            var line: (any EdgeLine)?
            var news: [EdgeLineNews] = []
            var hasEnded = false
        }

        private let state = Mutex(State())
        private let isBegun = Mutex(false)

        var isReady: Bool { true }
        var line: (any EdgeLine)? { state.withLock { $0.line } }
        var isGone: Bool { state.withLock { $0.news.contains { if case .gone = $0 { true } else { false } } } }
        /// Whether the stream ended after being polled for its pieces.
        var hasEnded: Bool { state.withLock { $0.hasEnded } }

        func goOn(on line: any EdgeLine) {
            state.withLock { $0.line = line }
            line.follow { news in self.state.withLock { $0.news.append(news) } }
        }

        func awaitLine() async throws -> any EdgeLine {
            let end = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < end {
                if let line { return line }
                try await Task.sleep(for: .milliseconds(5))
            }
            throw RPCError.internal("nobody took the connection over")
        }

        func awaitGone() async throws {
            let end = ContinuousClock.now + .seconds(10)
            while !isGone, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(5)) }
            #expect(isGone)
        }

        /// A stream that yields one piece when polled.
        var stream: EdgeStream {
            EdgeStream(contentType: "text/event-stream", rest: self) {
                let isFirst = self.isBegun.withLock { isBegun in
                    defer { isBegun.toggle() }
                    return !isBegun
                }
                return isFirst ? Array("asked\n".utf8) : nil
            } end: {
                self.state.withLock { $0.hasEnded = true }
            }
        }
    }

    private static func routes(_ rests: [Rest]) -> [EdgeRoute] {
        let next = Mutex(0)
        return [
            .bearer("streamEvents", "GET", "/api/v1/events", scope: "read") { (_, _, _) async throws(RPCError) in
                let place = next.withLock { place in
                    defer { place += 1 }
                    return place
                }
                return EdgeResponse(200, EdgeReply(rests[min(place, rests.count - 1)].stream))
            }
        ]
    }

    private static func request(_ fields: [String] = [], version: String = "1.1") -> String {
        (["GET /api/v1/events HTTP/\(version)", "host: api", "authorization: Bearer good"] + fields + ["", ""])
            .joined(separator: "\r\n")
    }

    /// Opens a stream that has taken over its connection.
    private static func opened(_ port: Int, _ rest: Rest) async throws -> (client: RawClient, line: any EdgeLine) {
        let client = try RawClient(port: port)
        client.write(request())
        return (client, try await rest.awaitLine())
    }

    @Test("What is written to the line follows what was asked for, in chunks, and its end closes the connection")
    func order() async throws {
        let rest = Rest()
        try await withServer(routes: Self.routes([rest])) { port in
            let (client, line) = try await Self.opened(port, rest)
            #expect(line.hasRoom)
            for number in 0..<20 { line.write(Array("piece \(number)\n".utf8)) }
            line.write([])
            line.end(Array("last\n".utf8))
            line.write(Array("too late\n".utf8))
            let answer = try await client.readToEnd()
            let parts = answer.components(separatedBy: "\r\n\r\n")
            #expect(parts[0].lowercased().contains("\r\nconnection: close"), "\(parts[0])")
            #expect(parts[0].lowercased().contains("\r\ntransfer-encoding: chunked"))
            let pieces = ["asked\n"] + (0..<20).map { "piece \($0)\n" } + ["last\n"]
            let chunks = pieces.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }
            #expect(parts.dropFirst().joined(separator: "\r\n\r\n") == chunks.joined() + "0\r\n\r\n")
            try await rest.awaitGone()
            #expect(!rest.hasEnded, "the rest ends itself")
        }
    }

    @Test("A client that leaves is told of, whether it closes or resets")
    func leaving() async throws {
        let rest = Rest()
        try await withServer(routes: Self.routes([rest])) { port in
            var client: RawClient? = try RawClient(port: port)
            client?.write(Self.request())
            _ = try await rest.awaitLine()
            #expect(!rest.isGone)
            client = nil
            try await rest.awaitGone()
        }
    }

    @Test(
        "Who is told the end by closing is asked as ever, since HTTP/1.0 knows no chunks",
        arguments: [(["connection: close"], "1.1"), ([], "1.0")])
    func asked(fields: [String], version: String) async throws {
        let rest = Rest()
        try await withServer(routes: Self.routes([rest])) { port in
            let answer = try await Self.exchange(port, Self.request(fields, version: version))
            #expect(answer.contains("asked\n"), "\(answer)")
            #expect(rest.line == nil && rest.hasEnded)
        }
    }

    @Test("Lines beyond the bound are streams as ever")
    func bound() async throws {
        var limits = EdgeLimits()
        // Three quarters of two, rounded down, is one.
        limits.connectionsMax = 2
        let rests = [Rest(), Rest()]
        try await withServer(limits, routes: Self.routes(rests)) { [rests] port in
            let (client, line) = try await Self.opened(port, rests[0])
            // The end of this stream closes the connection, as its head says, and the request behind it is not
            // answered.
            let answer = try await Self.exchange(port, Self.request() + Self.request())
            #expect(answer.hasSuffix("0\r\n\r\n"))
            #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2, "\(answer)")
            #expect(answer.contains("asked\n") && rests[1].line == nil && rests[1].hasEnded, "\(answer)")
            line.end([])
            try await rests[0].awaitGone()
            withExtendedLifetime(client) {}
        }
    }

    @Test("A line counts as a connection of its address as long as it lives")
    func counted() async throws {
        var limits = EdgeLimits()
        limits.addressConnectionsMax = 2
        let rests = [Rest(), Rest(), Rest()]
        try await withServer(limits, routes: Self.routes(rests)) { [rests] port in
            var first: RawClient? = try RawClient(port: port)
            first?.write(Self.request())
            _ = try await rests[0].awaitLine()
            let (second, _) = try await Self.opened(port, rests[1])
            let refused = try RawClient(port: port)
            refused.write(Self.request())
            #expect(try await refused.readToEnd() == "")
            first = nil
            try await rests[0].awaitGone()
            // The place is freed on the connection's own loop.
            let end = ContinuousClock.now + .seconds(10)
            while rests[2].line == nil, ContinuousClock.now < end {
                let third = try RawClient(port: port)
                third.write(Self.request())
                try await Task.sleep(for: .milliseconds(100))
                if rests[2].line != nil { break }
            }
            #expect(rests[2].line != nil)
            withExtendedLifetime(second) {}
        }
    }

    @Test("Who reads nothing has no room any more, and is let go in time")
    func slow() async throws {
        var limits = EdgeLimits()
        limits.writeTimeout = .milliseconds(500)
        let rest = Rest()
        try await withServer(limits, routes: Self.routes([rest])) { port in
            let (client, line) = try await Self.opened(port, rest)
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 8_192)
            var count = 0
            let end = ContinuousClock.now + .seconds(20)
            while !rest.isGone, ContinuousClock.now < end {
                if line.hasRoom {
                    line.write(piece)
                    count += 1
                } else {
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
            #expect(rest.isGone, "\(count) pieces were written")
            #expect(!line.hasRoom)
            try await client.awaitClosing(within: .seconds(5))
        }
    }

    @Test("What a client sends meanwhile is no request, and too much of it ends the line")
    func chatter() async throws {
        let rest = Rest()
        try await withServer(routes: Self.routes([rest])) { port in
            let (client, line) = try await Self.opened(port, rest)
            client.write(Self.request())
            try await Task.sleep(for: .milliseconds(100))
            line.write(Array("still here\n".utf8))
            let heard = try await client.read { $0.contains("still here") }
            #expect(heard.components(separatedBy: "HTTP/1.1 200").count == 2, "\(heard)")
            client.write(String(repeating: "x", count: 100_000))
            try await rest.awaitGone()
        }
    }

    @Test("Lines end with the server")
    func shutdown() async throws {
        let rest = Rest()
        // The client must outlive the server; otherwise its own end would be observed.
        let kept = Mutex<RawClient?>(nil)
        try await withServer(routes: Self.routes([rest])) { port in
            let (client, _) = try await Self.opened(port, rest)
            kept.withLock { $0 = client }
        }
        try await rest.awaitGone()
        #expect(kept.withLock { $0 } != nil)
    }
}
