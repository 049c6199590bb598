import Edge
import Foundation
import Testing

/// What clients hold: HTTP/2 connections without progress, and room for bodies.
@Suite(.serialized) struct HeldConnectionTests: EdgeServing {
    /// Sends the bytes over TLS after negotiating HTTP/2, reads whatever arrives and answers nothing; prints after how
    /// many seconds the other side closes, or `open`.
    private static let script = """
        import socket, ssl, sys, time
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        line = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
        begun = time.monotonic()
        line.sendall(bytes.fromhex(sys.argv[2]))
        line.settimeout(float(sys.argv[3]))
        try:
            while line.recv(65536): pass
            print(time.monotonic() - begun)
        except TimeoutError:
            print("open")
        except OSError:
            print(time.monotonic() - begun)
        """

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]

    private struct Case: Sendable {
        let name: String
        let bytes: [UInt8]
        /// Whether it is reported as begun but not finished.
        var isStalled = true
    }

    private static let cases = [
        Case(name: "nothing at all", bytes: []),
        Case(name: "half of the beginning", bytes: Array(preface.prefix(10))),
        Case(name: "no settings", bytes: preface),
        Case(name: "half of a frame", bytes: preface + settings + [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2]),
        Case(
            name: "a header without its end",
            // GET and https, from the static table.
            bytes: preface + settings + [0, 0, 2, 1, 1, 0, 0, 0, 1, 0x82, 0x87]),
        Case(
            name: "nothing more after its settings, and no word about the end", bytes: preface + settings,
            isStalled: false),
    ]

    /// All cases at once, each with its own server: they spend their time waiting.
    @Test("An HTTP/2 connection is closed that does not go on")
    func held() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for held in Self.cases { group.addTask { try await expectClosed(held) } }
            try await group.waitForAll()
        }
    }

    private func expectClosed(_ held: Case) async throws {
        let certificate = try CertificateTests.makeCertificate()
        var limits = EdgeLimits()
        limits.headerTimeout = .seconds(1)
        limits.idleTimeout = .seconds(2)
        limits.operationTimeout = .milliseconds(300)
        limits.farewellTimeout = .milliseconds(300)
        let refusals = ToldRefusals()
        try await withServer(limits, certificate: certificate, turnedAway: refusals.sink) { port in
            let told = try await Python.run(Self.script, ["\(port)", Python.hex(held.bytes), "9"])
            let time = try #require(Double(told), "\(held.name): \(told)")
            #expect((0.9...7).contains(time), "\(held.name): \(time)")
            #expect(refusals.all.contains(.abuse(.stalled)) == held.isStalled, "\(held.name): \(refusals.all)")
        }
    }

    @Test(
        "Large bodies share some room, one network has a part of it, small ones need none, and what ends gives it back")
    func room() async throws {
        var limits = EdgeLimits()
        limits.bodyBytesFree = 1_000
        limits.addressBodiesBytesMax = 5_000
        limits.bodiesBytesMax = 8_000
        try await withServer(limits) { port in
            @Sendable func status(_ count: Int, from source: String) async throws -> String {
                let client = try RawClient(port: port, from: source)
                client.write(
                    Self.post(
                        "/api/v1/auth/login", ["content-length: \(count)", "connection: close"],
                        String(repeating: " ", count: count)))
                let answer = try await client.read { $0.contains("\r\n\r\n") }
                return String(answer.dropFirst(9).prefix(3))
            }
            /// Waits until the status is as expected: the server first has to notice that a connection has ended.
            @Sendable func expect(_ wanted: String, _ count: Int, from source: String) async throws {
                var found = ""
                let patience = ContinuousClock.now.advanced(by: .seconds(5))
                while found != wanted, ContinuousClock.now < patience { found = try await status(count, from: source) }
                #expect(found == wanted, "\(count) bytes from \(source)")
            }
            /// Returns a client whose body holds its room, once 2,000 bytes from `other` no longer fit beside it. A
            /// probe may take the room before the body arrives and get the body refused; then the body is sent again.
            @Sendable func holds(_ count: Int, from source: String, against other: String) async throws -> RawClient {
                let body = Self.post(
                    "/api/v1/auth/login", ["content-length: 10000"], String(repeating: " ", count: count))
                for _ in 0..<50 {
                    let client = try RawClient(port: port, from: source)
                    client.write(body)
                    for _ in 0..<10 {
                        if try await status(2_000, from: other) == "503" { return client }
                    }
                }
                throw RawClient.Failure(call: "there is room beside \(count) bytes from \(source)")
            }
            #expect(try await status(6_000, from: "127.0.0.2") == "400", "alone it fits")
            #expect(try await status(6_001, from: "127.0.0.2") == "503", "alone it is too much already")
            var first: RawClient? = try await holds(5_500, from: "127.0.0.2", against: "127.0.0.2")
            _ = first
            #expect(try await status(1_000, from: "127.0.0.2") == "400", "a small one needs no room")
            #expect(try await status(2_000, from: "127.0.0.3") == "400", "another network has its own part")
            let second = try await holds(4_500, from: "127.0.0.3", against: "127.0.0.4")
            #expect(try await status(1_000, from: "127.0.0.4") == "400")
            first = nil
            try await expect("400", 2_000, from: "127.0.0.2")
            #expect(try await status(2_000, from: "127.0.0.4") == "400")
            withExtendedLifetime(second) {}
        }
    }
}
