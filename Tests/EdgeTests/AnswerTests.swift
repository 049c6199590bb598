import Edge
import RPC
import Synchronization
import Testing

@testable import Contracts

/// The headers that every answer carries, and how large answers are sent.
@Suite(.serialized) struct AnswerTests: EdgeServing {
    private static let always = [
        "x-content-type-options: nosniff", "x-frame-options: DENY", "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        "cross-origin-resource-policy: same-origin", "x-request-id: ",
    ]

    @Test("Every answer tells browsers what they may do with it, whatever it is")
    func fields() async throws {
        try await withServer { port in
            let requests = [
                Self.get("/api/v1/nowhere"), Self.get("/api/v1/users/me"), Self.get("/api/v1/users/me", method: "PUT"),
                Self.get("/api/v1/users/me", method: "OPTIONS"), Self.get("/api/v1/nowhere", method: "HEAD"),
                Self.get("/api/v1/count/3", ["authorization: Bearer good"]),
                Self.post("/api/v1/movies/resolve", ["authorization: Bearer good", "connection: close"]),
                Self.post("/api/v1/auth/login", ["content-length: 1", "connection: close"], "{"),
                "GET /api/v1/nowhere HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n",
            ]
            for request in requests {
                let answer = try await Self.exchange(port, request)
                for field in Self.always {
                    #expect(answer.contains("\r\n\(field)"), "\(field) in \(request): \(answer)")
                }
                #expect(answer.contains("\r\ncache-control: no-store\r\n"), "\(request): \(answer)")
                #expect(!answer.contains("strict-transport-security"), "this came in the clear")
                #expect(!answer.lowercased().contains("\r\nserver:"))
            }
        }
    }

    @Test("What a service of before does not know yet is refused as what cannot be had now")
    func methodOfLater() {
        let unknown = RPCError(code: RPCError.Code.methodNotFound, message: "There is no such method.")
        let answer = EdgeResponse.problem(unknown, trace: .root())
        #expect(answer.status == 503 && answer.code == "unavailable")
        #expect(EdgeResponse.problem(.internal("odd"), trace: .root()).status == 500)
    }

    @Test("A page says itself what it needs")
    func ownPolicy() {
        let own = [
            (name: "content-security-policy", value: "default-src 'self'"), (name: "x-request-id", value: "own"),
        ]
        let fields = AnswerFields.complete(own, requestID: "other", transport: nil)
        #expect(fields.filter { $0.name == "content-security-policy" }.map(\.value) == ["default-src 'self'"])
        #expect(fields.filter { $0.name == "x-request-id" }.map(\.value) == ["own"])
    }

    @Test(
        "Over TLS browsers are told to come in no other way for a year, to names below this one only where that is wanted",
        arguments: [
            (nil, nil), (false, "max-age=31536000"), (true, "max-age=31536000; includeSubDomains"),
        ] as [(Bool?, String?)])
    func transport(coversSubdomains: Bool?, told: String?) {
        let fields = AnswerFields.complete(
            [], requestID: "a", transport: coversSubdomains.map { TransportSecurity(coversSubdomains: $0) })
        #expect(fields.first { $0.name == "strict-transport-security" }?.value == told)
    }

    @Test("A request's name comes back, unless it could do harm in a log")
    func requestID() async throws {
        try await withServer { port in
            func named(_ fields: [String]) async throws -> String {
                let answer = try await Self.exchange(port, Self.get("/api/v1/nowhere", fields))
                let line = answer.split(separator: "\r\n").first { $0.hasPrefix("x-request-id: ") }
                return String(try #require(line).dropFirst(14))
            }
            let longest = String(repeating: "a", count: 64)
            for good in ["a", "0b5c-7_Z.9", longest] {
                #expect(try await named(["x-request-id: \(good)"]) == good)
            }
            for bad in ["", longest + "a", "a b", "a\"b", "a{b}", "ä", "a;b"] {
                let name = try await named(["x-request-id: \(bad)"])
                #expect(name.count == 32 && name.allSatisfy(\.isHexDigit), "\(bad): \(name)")
            }
            #expect(try await named(["x-request-id: a", "x-request-id: b"]).count == 32)
            let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
            #expect(try await named(["traceparent: 00-\(trace)-00f067aa0ba902b7-01"]) == trace)
        }
    }

    @Test(
        "Who takes gzip is asked about",
        arguments: [
            ("gzip", true), ("GZIP", true), ("br, gzip;q=0.5", true), ("*", true), ("x-gzip", true),
            ("deflate, br", false),
            ("gzip;q=0", false), ("gzip; q=0.0, *", false), ("*;q=0", false), ("", false), ("identity", false),
            ("gzipped", false),
        ])
    func accepting(field: String, takesIt: Bool) {
        #expect(ContentCoding.takesGZip(field.isEmpty ? [] : [field]) == takesIt)
    }

    private static let text = String(repeating: #"{"name":"The Lighthouse Keeper's Clock"}"#, count: 200)

    private static let routes: [EdgeRoute] = [
        .bearer("getText", "GET", "/api/v1/text", scope: nil, isRepresentation: true) {
            (_, _, _) async throws(RPCError) in
            EdgeResponse(status: 200, headers: [("content-type", "application/json")], body: Array(text.utf8))
        },
        .bearer("putText", "PUT", "/api/v1/text", scope: nil) { (_, _, _) async throws(RPCError) in
            EdgeResponse(status: 204)
        },
        .bearer("getImage", "GET", "/api/v1/image", scope: nil) { (_, _, _) async throws(RPCError) in
            EdgeResponse(status: 200, headers: [("content-type", "image/png")], body: Array(text.utf8))
        },
        .bearer("getBit", "GET", "/api/v1/bit", scope: nil) { (_, _, _) async throws(RPCError) in
            EdgeResponse(status: 200, headers: [("content-type", "application/json")], body: [0x31])
        },
    ]

    /// The head and body of an authenticated answer; the body is decoded as text, so compression shows in its header
    /// field.
    private func ask(_ port: Int, _ path: String, _ fields: [String], method: String = "GET") async throws -> String {
        try await Self.exchange(port, Self.get(path, ["authorization: Bearer good"] + fields, method: method))
    }

    @Test("A large answer is packed for who takes that, under a tag of its own that is heeded like the other")
    func packing() async throws {
        try await withServer(routes: Self.routes) { port in
            let plain = try await ask(port, "/api/v1/text", [])
            #expect(!plain.contains("content-encoding") && plain.contains("vary: Accept-Encoding"))
            #expect(plain.hasSuffix(Self.text))
            let packed = try await ask(port, "/api/v1/text", ["accept-encoding: gzip"])
            #expect(packed.contains("content-encoding: gzip\r\n") && packed.contains("vary: Accept-Encoding"))
            let length = try #require(packed.lowercased().firstMatch(of: /content-length: (\d+)/)?.1)
            #expect((Int(length) ?? 0) < Self.text.utf8.count / 10)
            let tags = try [plain, packed].map { String(try #require($0.firstMatch(of: /etag: ("[^"]+")/)?.1)) }
            #expect(tags[1] == tags[0].dropLast() + "+gz\"")
            for tag in tags {
                let known = try await ask(port, "/api/v1/text", ["accept-encoding: gzip", "if-none-match: \(tag)"])
                #expect(known.hasPrefix("HTTP/1.1 304 ") && known.contains("etag: \(tag)\r\n"), "\(known)")
                let written = try await ask(port, "/api/v1/text", ["if-match: \(tag)"], method: "PUT")
                #expect(written.hasPrefix("HTTP/1.1 204 "), "\(written)")
            }
            let stale = try await ask(port, "/api/v1/text", ["if-match: \"other+gz\""], method: "PUT")
            #expect(stale.hasPrefix("HTTP/1.1 412 "))
            for path in ["/api/v1/image", "/api/v1/bit"] {
                #expect(!(try await ask(port, path, ["accept-encoding: gzip"])).contains("content-encoding"))
            }
        }
    }

    /// The number of times the document was requested.
    private static let asked = Mutex(0)

    @Test("Of a document that is always the same the tag and the packed bytes are made once")
    func fixed() async throws {
        // It contains the number of times it was requested, which such a document must not: this shows that what was
        // derived from the first answer is kept.
        let routes: [EdgeRoute] = [
            .open("getDocument", "GET", "/api/v1/document", isRepresentation: true) { (_, _) async throws(RPCError) in
                let count = Self.asked.withLock { count in
                    count += 1
                    return count
                }
                return EdgeResponse(document: Array("\(Self.text)\(count)".utf8))
            }
        ]
        try await withServer(routes: routes) { port in
            /// The entity tag and the body.
            func parts(_ fields: [String]) async throws -> (tag: String, body: String) {
                let answer = try await Self.exchange(port, Self.get("/api/v1/document", fields))
                let tag = String(try #require(answer.firstMatch(of: /etag: ("[^"]+")/)?.1))
                let begin = try #require(answer.firstRange(of: "\r\n\r\n")).upperBound
                return (tag, String(answer[begin...]))
            }
            let plain = [try await parts([]), try await parts([])]
            #expect(plain[0].body == Self.text + "1" && plain[1].body == Self.text + "2")
            #expect(plain[0].tag == plain[1].tag)
            let packed = [try await parts(["accept-encoding: gzip"]), try await parts(["accept-encoding: gzip"])]
            #expect(packed[0].body == packed[1].body && packed[0].body.utf8.count < 2_000)
            #expect(packed[0].tag == plain[0].tag.dropLast() + "+gz\"" && packed[1].tag == packed[0].tag)
            let known = try await Self.exchange(
                port, Self.get("/api/v1/document", ["accept-encoding: gzip", "if-none-match: \(packed[0].tag)"]))
            #expect(known.hasPrefix("HTTP/1.1 304 "))
        }
    }
}
