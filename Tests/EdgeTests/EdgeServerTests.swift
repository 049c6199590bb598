import Edge
import Testing

/// The public side on a real socket, with clients that no library would produce.
@Suite(.serialized) struct EdgeServerTests: EdgeServing {
    private static let login = #"{"username":"alice","password":"a long and odd phrase"}"#

    @Test("A body that trickles is refused in time and its connection closed, however lively it looks")
    func slowBody() async throws {
        var limits = EdgeLimits()
        limits.bodyTimeout = .seconds(1)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            client.write(Self.post("/api/v1/auth/login", ["content-length: 1000"]))
            let drip = Task {
                while !Task.isCancelled {
                    client.write(" ")
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            let answer = try await client.readToEnd()
            drip.cancel()
            #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
            #expect(answer.contains("\"requestTimeout\""))
        }
    }

    @Test("What follows a refusal is read for no longer than a body may take")
    func slowRest() async throws {
        var limits = EdgeLimits()
        limits.bodyTimeout = .seconds(1)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            client.write(Self.post("/api/v1/nowhere", ["content-length: 1000"]))
            let answer = try await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 404 "), "\(answer)")
        }
    }

    @Test("An operation that does not end is cancelled at its deadline")
    func slowOperation() async throws {
        var limits = EdgeLimits()
        limits.operationTimeout = .milliseconds(300)
        try await withServer(limits) { port in
            let answer = try await Self.exchange(port, Self.get("/api/v1/users/me", ["authorization: Bearer good"]))
            #expect(answer.hasPrefix("HTTP/1.1 504 "), "\(answer)")
            #expect(answer.contains("\"deadlineExceeded\""))
        }
    }

    @Test("An operation is cancelled when its client goes away")
    func departedClient() async throws {
        let events = TestEvents()
        try await withServer(routes: TestRoutes.make(events: events)) { port in
            for _ in 0..<3 {
                var client: RawClient? = try RawClient(port: port)
                client?.write(Self.get("/api/v1/users/me", ["authorization: Bearer good"]))
                #expect(await events.next() == "began")
                client = nil
                #expect(await events.next() == "cancelled")
            }
        }
    }

    @Test("A stream is sent piece by piece, ends where it ends, and is cut where it fails")
    func streams() async throws {
        try await withServer { port in
            func count(_ to: String, method: String = "GET") async throws -> String {
                try await Self.exchange(
                    port, Self.get("/api/v1/count/\(to)", ["authorization: Bearer good"], method: method))
            }
            let whole = try await count("3")
            #expect(whole.hasPrefix("HTTP/1.1 200 "), "\(whole)")
            #expect(whole.lowercased().contains("transfer-encoding: chunked"))
            #expect(whole.contains("attachment; filename=\"3.txt\""))
            #expect(whole.hasSuffix("2\r\n1\n\r\n2\r\n2\n\r\n2\r\n3\n\r\n0\r\n\r\n"), "\(whole)")
            let cut = try await count("100")
            #expect(cut.contains("12\n") && !cut.hasSuffix("0\r\n\r\n"), "a part must not pass for the whole: \(cut)")
            let head = try await count("3", method: "HEAD")
            #expect(head.hasPrefix("HTTP/1.1 200 ") && !head.contains("\n1\n"))
        }
    }

    @Test("A stream ends when its client goes away, though nothing was being sent")
    func departedListener() async throws {
        let events = TestEvents()
        try await withServer(routes: TestRoutes.make(events: events)) { port in
            var client: RawClient? = try RawClient(port: port)
            client?.write(Self.get("/api/v1/count/ever", ["authorization: Bearer good"]))
            #expect(await events.next() == "began")
            client = nil
            #expect(await events.next() == "cancelled")
        }
    }

    @Test("A token sent to an operation that is open to all is left to it, unless it is malformed or there are two")
    func bearerOfOpen() async throws {
        try await withServer { port in
            let cases: [(fields: [String], token: String)] = [
                ([], "none"), (["authorization: Bearer good"], "good"), (["authorization: Bearer bad"], "bad"),
                (["authorization: Basic good"], "none"), (["authorization: Bearer"], "none"),
                (["authorization: Bearer a b"], "none"),
                (["authorization: Bearer good", "authorization: Bearer good"], "none"),
            ]
            for (fields, token) in cases {
                let head = ["connection: close", "content-length: 0"] + fields
                let answer = try await Self.exchange(port, Self.post("/api/v1/knock", head))
                #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("token \(token)"), "\(fields): \(answer)")
            }
        }
    }

    @Test("Of a body in any form the beginning is kept, the rest is read and dropped, and too much is not waited for")
    func anyBody() async throws {
        var limits = EdgeLimits()
        limits.bodyBytesMax = 100
        limits.rawBodyBytesMax = 300_000
        try await withServer(limits) { port in
            for (count, expected) in [(0, "0 false"), (100, "100 false"), (101, "100 true"), (300_000, "100 true")] {
                let answer = try await Self.exchange(
                    port,
                    Self.post(
                        "/api/v1/measure", ["connection: close", "content-length: \(count)"],
                        String(repeating: "x", count: count)))
                #expect(answer.hasSuffix("application/json \(expected) false"), "\(count): \(answer)")
            }
            // Whether it announces its length or not.
            let client = try RawClient(port: port)
            client.write(Self.post("/api/v1/measure", ["content-length: 300001"]))
            #expect(try await client.read { $0.contains("true") }.hasSuffix("0 false true"))
            let quiet = try RawClient(port: port)
            quiet.write(
                Self.post(
                    "/api/v1/measure", ["transfer-encoding: chunked"],
                    "493e1\r\n" + String(repeating: "x", count: 300_001)))
            #expect(try await quiet.read { $0.contains("true") }.hasSuffix("0 false true"))
        }
    }

    @Test("A client that never reads its answer loses its connection")
    func deafClient() async throws {
        var limits = EdgeLimits()
        limits.writeTimeout = .milliseconds(500)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            client.write(Self.get("/api/v1/movies/1", ["authorization: Bearer good"]))
            let begun = ContinuousClock.now
            try await client.awaitClosing(within: .seconds(8))
            #expect(ContinuousClock.now - begun >= .milliseconds(450))
        }
    }

    @Test("A client that reads slowly, and does read, gets all of it")
    func slowReader() async throws {
        var limits = EdgeLimits()
        limits.writeTimeout = .milliseconds(700)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            client.write(Self.get("/api/v1/movies/1", ["authorization: Bearer good"]))
            let begun = ContinuousClock.now
            #expect(try await client.countToEnd(pause: .microseconds(1_500)) > 64 << 20)
            #expect(ContinuousClock.now - begun > .milliseconds(700))
        }
    }

    @Test("A body of unknown length is cut at the limit")
    func chunkedBody() async throws {
        var limits = EdgeLimits()
        limits.bodyBytesMax = 1_000
        try await withServer(limits) { port in
            let fields = ["transfer-encoding: chunked", "connection: close", "origin: https://app.example"]
            for (size, status) in [(900, "400"), (1_000, "400"), (1_001, "413"), (100_000, "413")] {
                let chunk = String(repeating: " ", count: size)
                let body = "\(String(size, radix: 16))\r\n\(chunk)\r\n0\r\n\r\n"
                let answer = try await Self.exchange(port, Self.post("/api/v1/auth/login", fields, body))
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(size): \(answer)")
                #expect(answer.contains("access-control-allow-origin: https://app.example"), "a page may read problems")
            }
        }
    }

    @Test("A client that asks whether to send a body is told to, unless it is too large")
    func expectation() async throws {
        var limits = EdgeLimits()
        limits.bodyBytesMax = 1_000
        limits.bodyTimeout = .seconds(1)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            let length = Self.login.utf8.count
            client.write(
                Self.post(
                    "/api/v1/auth/login", ["content-length: \(length)", "expect: 100-continue", "connection: close"]))
            let invitation = try await client.read { $0.hasSuffix("\r\n\r\n") }
            #expect(invitation == "HTTP/1.1 100 Continue\r\n\r\n")
            client.write(Self.login)
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 503 "))

            let refused = try await Self.exchange(
                port, Self.post("/api/v1/auth/login", ["content-length: 1001", "expect: 100-continue"]))
            #expect(refused.hasPrefix("HTTP/1.1 413 "), "\(refused)")
        }
    }

    @Test("HEAD answers as GET does, without the body")
    func head() async throws {
        try await withServer { port in
            for path in ["/api/v1/nowhere", "/api/v1/users/me"] {
                let got = try await Self.exchange(port, Self.get(path))
                let headed = try await Self.exchange(port, Self.get(path, method: "HEAD"))
                let line = try #require(
                    got.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length") })
                #expect(headed.hasSuffix("\r\n\r\n"), "\(headed)")
                #expect(headed.contains(line))
                #expect(headed.prefix(12) == got.prefix(12))
            }
        }
    }

    @Test("OPTIONS tells what an address takes, and nothing of addresses that do not exist")
    func options() async throws {
        try await withServer { port in
            let origin = ["origin: https://app.example", "access-control-request-method: GET"]
            let known = try await Self.exchange(port, Self.get("/api/v1/users/me", origin, method: "OPTIONS"))
            #expect(known.hasPrefix("HTTP/1.1 204 "))
            #expect(known.contains("allow: GET, HEAD, OPTIONS\r\n"))
            #expect(known.contains("access-control-allow-origin: https://app.example\r\n"))
            #expect(!known.lowercased().contains("content-length"))
            let unknown = try await Self.exchange(port, Self.get("/api/v1/nowhere", origin, method: "OPTIONS"))
            #expect(unknown.hasPrefix("HTTP/1.1 404 "))
            #expect(!unknown.contains("access-control-allow-origin"))
            #expect(unknown.contains("x-request-id: "))
        }
    }

    @Test("TRACE is no method of any address, and nobody is sent back what they sent")
    func trace() async throws {
        try await withServer { port in
            for (path, status) in [("/api/v1/users/me", "405"), ("/api/v1/nowhere", "404")] {
                let answer = try await Self.exchange(
                    port, Self.get(path, ["authorization: Bearer good", "x-canary: 4711-0815"], method: "TRACE"))
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
                #expect(!answer.contains("4711-0815") && !answer.contains("Bearer good"), "\(answer)")
            }
        }
    }

    @Test(
        "Credentials that can be read in two ways are none", arguments: ["Bearer good", "bearer   good", "BEARER good"])
    func authorization(field: String) async throws {
        var limits = EdgeLimits()
        limits.operationTimeout = .milliseconds(200)
        try await withServer(limits) { port in
            let admitted = try await Self.exchange(port, Self.get("/api/v1/users/me", ["authorization: \(field)"]))
            #expect(admitted.hasPrefix("HTTP/1.1 504 "), "\(admitted)")
            let twice = try await Self.exchange(
                port, Self.get("/api/v1/users/me", ["authorization: \(field)", "authorization: Bearer evil"]))
            #expect(twice.hasPrefix("HTTP/1.1 401 "), "\(twice)")
            #expect(twice.contains("www-authenticate: Bearer\r\n"))
        }
    }

    @Test("Nobody's body is not waited for")
    func strangersBody() async throws {
        try await withServer { port in
            let client = try RawClient(port: port)
            client.write(Self.post("/api/v1/movies/resolve", ["content-length: 1000"]))
            let answer = try await client.read { $0.contains("\r\n\r\n") }
            #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(answer)")
        }
    }

    @Test("A header that is too large or has too many fields ends the connection")
    func headerLimits() async throws {
        try await withServer { port in
            let large = try await Self.exchange(
                port, Self.get("/api/v1/nowhere", ["x-large: " + String(repeating: "a", count: 40_000)]))
            #expect(!large.hasPrefix("HTTP/1.1 404 "))
            let many = try await Self.exchange(port, Self.get("/api/v1/nowhere", (0..<120).map { "x-\($0): 1" }))
            #expect(!many.hasPrefix("HTTP/1.1 404 "))
            let answer = try await Self.exchange(port, Self.get("/api/v1/nowhere", (0..<90).map { "x-\($0): 1" }))
            #expect(answer.hasPrefix("HTTP/1.1 404 "))
        }
    }

    @Test("What a client sends never becomes a header field of an answer")
    func injection() async throws {
        try await withServer { port in
            let answer = try await Self.exchange(
                port,
                Self.get(
                    "/api/v1/x%0d%0aset-cookie:%20a=b",
                    ["traceparent: 00-\r\n evil", "origin: https://app.example\tset-cookie: a"]))
            #expect(!answer.lowercased().contains("\r\nset-cookie"), "\(answer)")
        }
    }
}
