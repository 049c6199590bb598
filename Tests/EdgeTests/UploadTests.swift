import Edge
import Testing

/// Bodies that are consumed in pieces as they arrive.
@Suite(.serialized) struct UploadTests: EdgeServing {
    private static func upload(_ fields: [String], _ body: String = "") -> String {
        (["POST /api/v1/uploads HTTP/1.1", "host: api", "authorization: Bearer good", "connection: close"] + fields
            + ["", body]).joined(separator: "\r\n")
    }

    @Test("A body far larger than others may be passes through in pieces, also where its length is not told")
    func large() async throws {
        try await withServer { port in
            let body = String(repeating: "a", count: 3 << 20)
            let told = try await Self.exchange(
                port, Self.upload(["content-type: text/csv", "content-length: \(body.utf8.count)"], body))
            #expect(told.hasPrefix("HTTP/1.1 200 ") && told.hasSuffix("text/csv of 3145728 in pieces"), "\(told)")
            let chunked = "300000\r\n\(body)\r\n0\r\n\r\n"
            let untold = try await Self.exchange(port, Self.upload(["transfer-encoding: chunked"], chunked))
            #expect(untold.hasSuffix("nothing of 3145728 in pieces"), "\(untold.prefix(200))")
        }
    }

    @Test("A body beyond the bound is refused by its length, or when it gets there")
    func tooLarge() async throws {
        var limits = EdgeLimits()
        limits.uploadBytesMax = 1_000
        try await withServer(limits) { port in
            let told = try await Self.exchange(port, Self.upload(["content-length: 1001"]))
            #expect(told.hasPrefix("HTTP/1.1 413 "), "\(told)")
            let body = String(repeating: "a", count: 1_001)
            let untold = try await Self.exchange(
                port, Self.upload(["transfer-encoding: chunked"], "3e9\r\n\(body)\r\n0\r\n\r\n"))
            #expect(untold.hasPrefix("HTTP/1.1 413 "), "\(untold)")
            let exact = try await Self.exchange(
                port, Self.upload(["content-length: 1000"], String(repeating: "a", count: 1_000)))
            #expect(exact.hasPrefix("HTTP/1.1 200 "), "\(exact)")
        }
    }

    @Test("A client that asks may send a large body, and one that falls silent in the middle is refused")
    func pace() async throws {
        var limits = EdgeLimits()
        limits.bodyTimeout = .seconds(1)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            client.write(Self.upload(["content-length: 5000000", "expect: 100-continue"]))
            let invitation = try await client.read { $0.contains("\r\n\r\n") }
            #expect(invitation.hasPrefix("HTTP/1.1 100 "), "\(invitation)")
            // Longer than a whole body may take, but never silent for that long.
            for _ in 0..<8 {
                client.write("a")
                try await Task.sleep(for: .milliseconds(250))
            }
            let answer = try await client.readToEnd()
            #expect(answer.contains("HTTP/1.1 408 "), "\(answer)")
        }
    }
}
