import Foundation
import RPC
import Synchronization
import Testing

@testable import Contracts
@testable import Edge

/// Answers that are produced while they are sent.
@Suite(.serialized) struct StreamTests: EdgeServing {
    /// Pieces of 100 bytes, each filled with the letter for its index; the piece at `failing` throws, the one at `late`
    /// once its time is up.
    private static func routes(
        count: Int, bytes: Int = 100, length: Int? = nil, failing: Int? = nil, late: Int? = nil,
        made: Counter = Counter()
    ) -> [EdgeRoute] {
        [
            .bearer("exportData", "GET", "/api/v1/exports", scope: "read") { (_, _, context) async throws(RPCError) in
                let file = EdgeStream.file(
                    "text/csv", name: "all.csv", length: length, from: 0, for: context.rpc,
                    pieceTimeout: .milliseconds(300)
                ) { (place, context) async throws(RPCError) in
                    if place == failing { throw .unavailable("nobody is there") }
                    if place == late {
                        try? await Task.sleep(until: context.deadline, clock: .continuous)
                        throw .deadlineExceeded("it took too long")
                    }
                    guard place < count else { return nil }
                    defer { place += 1 }
                    made.add()
                    return [UInt8](repeating: UInt8(ascii: "a") + UInt8(place % 26), count: bytes)
                }
                return EdgeResponse(200, EdgeReply(file))
            }
        ]
    }

    /// Returns the answer with its header in lower case.
    private static func ask(_ port: Int, _ method: String = "GET", closing: Bool = true) async throws -> String {
        let answer = try await exchange(port, request(method, closing: closing))
        let parts = answer.components(separatedBy: "\r\n\r\n")
        return ([parts[0].lowercased()] + parts.dropFirst()).joined(separator: "\r\n\r\n")
    }

    /// Returns the answer without its header, whose trace id has letters of its own.
    private static func body(_ answer: String) -> String {
        answer.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
    }

    private static func request(_ method: String = "GET", closing: Bool = true) -> String {
        (["\(method) /api/v1/exports HTTP/1.1", "host: api", "authorization: Bearer good"]
            + (closing ? ["connection: close"] : []) + ["", ""]).joined(separator: "\r\n")
    }

    @Test(
        "Pieces arrive in their order, in chunks where nobody knows how many bytes there will be", arguments: [0, 1, 3])
    func chunks(count: Int) async throws {
        try await withServer(routes: Self.routes(count: count)) { port in
            let answer = try await Self.ask(port)
            #expect(answer.hasPrefix("http/1.1 200 "))
            #expect(answer.contains("content-disposition: attachment; filename=\"all.csv\"\r\n"))
            #expect(answer.contains("x-content-type-options: nosniff\r\n"))
            let body = answer.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
            // 64 is 100 in hexadecimal.
            let chunks = ["a", "b", "c"].prefix(count).map { "64\r\n" + String(repeating: $0, count: 100) + "\r\n" }
            if count == 0 {
                #expect(answer.contains("content-length: 0\r\n") && body.isEmpty)
            } else {
                #expect(answer.contains("transfer-encoding: chunked\r\n"))
                #expect(body == chunks.joined() + "0\r\n\r\n")
            }
        }
    }

    @Test("A known length is told, and the connection goes on afterwards")
    func length() async throws {
        try await withServer(routes: Self.routes(count: 3, length: 300)) { port in
            let client = try RawClient(port: port)
            for _ in 0..<2 {
                client.write(Self.request(closing: false))
                let answer = try await client.read { $0.hasSuffix("ccc") }.lowercased()
                #expect(answer.contains("content-length: 300\r\n") && !answer.contains("chunked"))
            }
        }
    }

    @Test("HEAD tells how long the whole is", arguments: [nil, 300])
    func head(length: Int?) async throws {
        try await withServer(routes: Self.routes(count: 3, length: length)) { port in
            let client = try RawClient(port: port)
            for _ in 0..<2 {
                client.write(Self.request("HEAD", closing: false))
                let answer = try await client.read { $0.hasSuffix("\r\n\r\n") }.lowercased()
                #expect(answer.contains("content-length: 300\r\n") && !answer.contains("chunked"), "\(answer)")
            }
        }
        try await withServer(routes: Self.routes(count: 3, failing: 2)) { port in
            let answer = try await Self.ask(port, "HEAD")
            #expect(answer.hasPrefix("http/1.1 503 "))
        }
    }

    @Test("What fails before the first piece is told; what fails later leaves the body without an end")
    func failures() async throws {
        try await withServer(routes: Self.routes(count: 3, failing: 0)) { port in
            let answer = try await Self.ask(port)
            #expect(answer.hasPrefix("http/1.1 503 ") && answer.contains("application/problem+json"), "\(answer)")
        }
        for length in [nil, 300] {
            try await withServer(routes: Self.routes(count: 3, length: length, failing: 2)) { port in
                // The server closes, although it was not asked to.
                let answer = try await Self.ask(port, closing: false)
                #expect(answer.hasPrefix("http/1.1 200 ") && Self.body(answer).contains("bbb"))
                #expect(!Self.body(answer).contains("ccc") && !answer.hasSuffix("0\r\n\r\n"), "\(answer)")
            }
        }
    }

    @Test("A body that is not as long as was said has no end", arguments: [250, 301, 1_000])
    func wrongLength(length: Int) async throws {
        try await withServer(routes: Self.routes(count: 3, length: length)) { port in
            let answer = try await Self.ask(port, closing: false)
            let body = try #require(answer.components(separatedBy: "\r\n\r\n").last)
            #expect(body.utf8.count < length && body.utf8.count <= 300, "\(body.utf8.count)")
        }
        try await withServer(routes: Self.routes(count: 0, length: length)) { port in
            let answer = try await Self.ask(port)
            #expect(answer.hasPrefix("http/1.1 500 "))
        }
    }

    @Test("A piece that is not made in time ends the body")
    func slowPiece() async throws {
        try await withServer(routes: Self.routes(count: 3, late: 1)) { port in
            let answer = try await Self.ask(port, closing: false)
            #expect(answer.hasPrefix("http/1.1 200 ") && Self.body(answer).contains("aaa"))
            #expect(!Self.body(answer).contains("bbb"), "\(answer)")
            #expect(!answer.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test("Pieces are made as they are read, not before")
    func flat() async throws {
        let made = Counter()
        let routes = Self.routes(count: 10_000, bytes: 1 << 16, made: made)
        try await withServer(routes: routes) { port in
            let client = try RawClient(port: port)
            client.write(Self.request())
            _ = try await client.read { $0.contains("bbb") }
            // As much as the sockets hold: nobody is reading any more.
            var before = -1
            while made.count != before {
                before = made.count
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(before < 1_000, "of 10,000 pieces \(before) were made for somebody who reads none")
        }
    }
}

/// How often something happened.
private final class Counter: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}
