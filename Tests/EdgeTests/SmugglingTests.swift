import Edge
import Foundation
import RPC
import Synchronization
import Testing

@testable import Contracts

/// Bytes in which two parties could see different requests. Each case hides a second request; whatever happens to the
/// first, the hidden one must not be answered, and no request may get two answers.
@Suite(.serialized) struct SmugglingTests: EdgeServing {
    /// Records what reached an operation.
    private final class Seen: Sendable {
        private let paths = Mutex<[String]>([])

        func note(_ path: String) { paths.withLock { $0.append(path) } }
        var all: [String] { paths.withLock(\.self) }
    }

    private static func routes(_ seen: Seen) -> [EdgeRoute] {
        [
            .open("post", "POST", "/api/v1/front") { (request, _) async throws(RPCError) in
                seen.note("front \(request.body.count)")
                return EdgeResponse(status: 204)
            },
            .open("hidden", "GET", "/api/v1/hidden") { (_, _) async throws(RPCError) in
                seen.note("hidden")
                return EdgeResponse(status: 204)
            },
        ]
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        /// The status of the only answer.
        var status = "400"

        var testDescription: String { name }
    }

    private static let hidden = "GET /api/v1/hidden HTTP/1.1\r\nHost: api\r\n\r\n"

    private static func front(_ fields: String, _ rest: String) -> String {
        "POST /api/v1/front HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n\(fields)\r\n\r\n\(rest)"
    }

    private static let cases = [
        Case(
            name: "length and encoding",
            text: front("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n\(hidden)")),
        Case(
            name: "encoding and length",
            text: front("Transfer-Encoding: chunked\r\nContent-Length: \(hidden.utf8.count + 5)", "0\r\n\r\n\(hidden)")),
        Case(name: "two lengths", text: front("Content-Length: 0\r\nContent-Length: \(hidden.utf8.count)", hidden)),
        Case(name: "the same length twice", text: front("Content-Length: 0\r\nContent-Length: 0", hidden)),
        Case(name: "a list of lengths", text: front("Content-Length: 0, 0", hidden)),
        Case(name: "a length with a sign", text: front("Content-Length: +0", hidden)),
        Case(name: "a length in hexadecimal", text: front("Content-Length: 0x0", hidden)),
        Case(name: "an encoding that is nearly one", text: front("Transfer-Encoding: xchunked", "0\r\n\r\n\(hidden)")),
        Case(name: "an encoding within another", text: front("Transfer-Encoding: gzip, chunked", "0\r\n\r\n\(hidden)")),
        Case(
            name: "an encoding after another", text: front("Transfer-Encoding: chunked, identity", "0\r\n\r\n\(hidden)")
        ),
        Case(
            name: "two encodings",
            text: front("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "0\r\n\r\n\(hidden)")),
        Case(
            name: "an encoding behind a control character",
            text: front("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n\(hidden)")),
        Case(name: "a space before the colon", text: front("Content-Length : \(hidden.utf8.count)", hidden)),
        Case(name: "a folded line", text: front("X-Any: a\r\n Content-Length: \(hidden.utf8.count)", hidden)),
        Case(
            name: "a bare line feed in the header",
            text: front("X-Any: a\nContent-Length: \(hidden.utf8.count)", hidden)),
        Case(name: "a bare carriage return in a value", text: front("X-Any: a\rContent-Length: 9", hidden)),
        Case(name: "a NUL in a value", text: front("X-Any: a\u{0}b", hidden)),
        Case(name: "two hosts", text: front("Host: other", hidden)),
        Case(
            name: "a chunk of a size with a prefix", text: front("Transfer-Encoding: chunked", "0x0\r\n\r\n\(hidden)")),
        Case(
            name: "a chunk that is longer than it says",
            text: front("Transfer-Encoding: chunked", "1\r\nab\r\n0\r\n\r\n\(hidden)")),
        Case(
            name: "a chunk of a size beyond all numbers",
            text: front("Transfer-Encoding: chunked", "10000000000000000\r\n\(hidden)")),
        Case(
            name: "a bare line feed after a chunk's size", text: front("Transfer-Encoding: chunked", "0\n\n\(hidden)")),
        Case(
            name: "an extension with a line feed", text: front("Transfer-Encoding: chunked", "0;a=\nb\r\n\r\n\(hidden)")
        ),
        Case(
            name: "an encoding over HTTP/1.0",
            text: "POST /api/v1/front HTTP/1.0\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\(hidden)"),
        Case(
            name: "no host", text: "POST /api/v1/front HTTP/1.1\r\nContent-Length: 0\r\n\r\n\(hidden)"),
        Case(name: "a tunnel", text: "CONNECT api:80 HTTP/1.1\r\nHost: api\r\n\r\n\(hidden)"),
        Case(
            name: "another protocol", text: front("Content-Length: 0\r\nConnection: Upgrade\r\nUpgrade: h2c", hidden),
            status: "204"),
        Case(
            name: "the last request of HTTP/1.0", text: "POST /api/v1/front HTTP/1.0\r\nHost: api\r\n\r\n\(hidden)",
            status: "204"),
        Case(
            name: "the last request by its own word", text: front("Content-Length: 0\r\nConnection: x, CLOSE", hidden),
            status: "204"),
    ]

    @Test("A hidden request is never seen, and nothing is answered twice", arguments: cases)
    func hiding(hidden: Case) async throws {
        let seen = Seen()
        try await withServer(routes: Self.routes(seen)) { port in
            let client = try RawClient(port: port)
            client.write(hidden.text)
            let answer = try await client.readToEnd()
            #expect(answer.matches(of: #/HTTP/1\.[01] \d{3} /#).count == 1, "\(answer)")
            let line = answer.prefix { $0 != "\r\n" }
            #expect(line.contains(" \(hidden.status) "), "\(answer)")
            #expect(answer.lowercased().contains("\r\nconnection: close\r\n"), "\(answer)")
        }
        #expect(!seen.all.contains("hidden"))
        #expect(seen.all.count <= 1)
    }

    @Test("Two honest requests in one go get two answers, and so does what follows an empty line")
    func honest() async throws {
        let seen = Seen()
        try await withServer(routes: Self.routes(seen)) { port in
            let client = try RawClient(port: port)
            client.write(
                Self.front("Content-Length: 2", "{}") + Self.front("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n")
                    + "\r\nGET /api/v1/hidden HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")
            let answer = try await client.readToEnd()
            #expect(answer.components(separatedBy: "HTTP/1.1 204").count == 4, "\(answer)")
        }
        #expect(seen.all == ["front 2", "front 2", "hidden"])
    }

    @Test("A second request that is wrong is refused after the first has its answer")
    func order() async throws {
        let seen = Seen()
        try await withServer(routes: Self.routes(seen)) { port in
            let client = try RawClient(port: port)
            client.write(Self.front("Content-Length: 2", "{}") + Self.front("Content-Length: nonsense", ""))
            let answer = try await client.readToEnd()
            let first = try #require(answer.range(of: "HTTP/1.1 204"))
            let second = try #require(answer.range(of: "HTTP/1.1 400"))
            #expect(first.lowerBound < second.lowerBound)
            #expect(answer.contains("\"invalidRequest\""), "\(answer)")
            #expect(answer.contains("content-type: application/problem+json"))
        }
        #expect(seen.all == ["front 2"])
    }
}
