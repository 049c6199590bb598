import Edge
import RPC
import Testing

@testable import Contracts

/// How HTTP/2 and TLS connections end for clients that do not close them in return.
@Suite(.serialized) struct ThrownOutTests: EdgeServing {
    /// Sends the bytes over TLS after negotiating HTTP/2, and close_notify if wanted, and nothing from then on; waits,
    /// then reads. Prints how the socket ended and after how many seconds, the code of the last GOAWAY, the number of
    /// body bytes, and whether one body was whole.
    private static let script = """
        import socket, ssl, sys, time
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        line = context.wrap_bio(incoming, outgoing)
        while True:
            try:
                line.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                data = plain.recv(65536)
                if not data: sys.exit("refused")
                incoming.write(data)
        line.write(bytes.fromhex(sys.argv[2]))
        plain.sendall(outgoing.read())
        if sys.argv[4] == "true":
            try: line.unwrap()
            except ssl.SSLWantReadError: plain.sendall(outgoing.read())
        begun, end = time.monotonic(), "closed"
        time.sleep(float(sys.argv[3]))
        try:
            while data := plain.recv(65536): incoming.write(data)
        except TimeoutError: end = "open"
        except OSError: pass
        taken, kept = time.monotonic() - begun, b""
        try:
            while data := line.read(65536): kept += data
        except ssl.SSLError: pass
        code, count, whole = "none", 0, "broken"
        while len(kept) >= 9:
            size, kind = int.from_bytes(kept[:3], "big"), kept[3]
            if kind == 7: code = kept[16]
            if kind == 0: count += size
            if kind == 0 and kept[4] & 1: whole = "whole"
            kept = kept[9 + size:]
        print(end, taken, code, count, whole)
        """

    private struct Ending {
        let end: String
        let seconds: Double
        let code: String
        let body: String
    }

    /// Returns how a connection ends on which these bytes follow the opening; the client reads after `pause` seconds.
    private static func ending(
        _ port: Int, _ bytes: [UInt8], pause: Double = 0, saysItCloses: Bool = false
    ) async throws -> Ending {
        let all = StreamGateTests.beginning + bytes
        let told = try await Python.run(script, ["\(port)", Python.hex(all), "\(pause)", "\(saysItCloses)"])
        let words = told.split(separator: " ").map(String.init)
        try #require(words.count == 5, "\(told)")
        let seconds = try #require(Double(words[1]), "\(told)")
        return Ending(end: words[0], seconds: seconds, code: words[2], body: "\(words[3]) \(words[4])")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        /// The code of the GOAWAY; nil if there need not be one.
        var code: String?
        var headerTimeout = EdgeLimits().headerTimeout
    }

    private static let cases = [
        Case(
            testDescription: "frames that bring nothing",
            bytes: (0..<200).flatMap { _ in StreamGateTests.frame(2, 0, 1, [0, 0, 0, 0, 1]) }, code: "11"),
        Case(
            testDescription: "asking again and again whether anybody is there",
            bytes: (0..<8).flatMap { _ in StreamGateTests.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]) }, code: "11"),
        Case(
            testDescription: "a part of a body of no request",
            bytes: StreamGateTests.frame(0, 0, 1, [UInt8](repeating: 0, count: 20)), code: "1"),
        Case(
            testDescription: "a field that none may have",
            // GET, https, / and a literal with a capital letter (RFC 9113 §8.2.1).
            bytes: StreamGateTests.frame(1, 5, 1, [0x82, 0x87, 0x84, 0x01, 1, 0x61, 0x00, 1, 0x55, 1, 0x78])),
        Case(
            testDescription: "half of a frame", bytes: [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2],
            headerTimeout: .milliseconds(300)),
    ]

    /// Everything that such a connection held used to be kept for two more seconds: clients that reconnected at once
    /// took up most of 92 MiB this way.
    @Test("Who is thrown out is gone at once, and was told why", arguments: cases)
    func atOnce(thrown: Case) async throws {
        var limits = EdgeLimits()
        limits.headerTimeout = thrown.headerTimeout
        limits.idleFramesBurst = 100
        let certificate = try CertificateTests.makeCertificate()
        try await withServer(limits, certificate: certificate) { port in
            let ending = try await Self.ending(port, thrown.bytes)
            #expect(ending.end == "closed" && ending.seconds < 1.5, "\(ending)")
            if let code = thrown.code { #expect(ending.code == code, "\(ending)") }
        }
    }

    /// 1 MiB, which fits into the system's buffers and which the client does not read.
    private static let large: EdgeRoute = .open("large", "GET", "/large") { (_, _) async throws(RPCError) in
        EdgeResponse(
            status: 200, headers: [("content-type", "text/plain")],
            body: [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20))
    }

    @Test("A connection that ends in order has its time, and a slow client the rest of its answer")
    func inOrder() async throws {
        var limits = EdgeLimits()
        limits.idleTimeout = .seconds(1)
        limits.operationTimeout = .seconds(1)
        limits.farewellTimeout = .milliseconds(300)
        let certificate = try CertificateTests.makeCertificate()
        try await withServer(limits, routes: [Self.large], certificate: certificate) { port in
            let most: [UInt8] = [0x3F, 0xFF, 0xFF, 0xFF]
            // Windows that hold the answer, for each request and for the connection.
            let windows = StreamGateTests.frame(4, 0, 0, [0, 4] + most) + StreamGateTests.frame(8, 0, 0, most)
            // Idle after 1 s, closed 1.3 s later: before anything is read.
            let ending = try await Self.ending(port, windows + StreamGateTests.request(1, "/large"), pause: 2.8)
            #expect(ending.body == "1048576 whole", "\(ending)")
            #expect(ending.end == "closed" && ending.code == "0", "\(ending)")
            #expect(ending.seconds > 3.6, "two seconds after it was closed: \(ending)")
        }
    }

    @Test("A connection on which nothing is ever asked for is told that it ends, and closed")
    func silent() async throws {
        var limits = EdgeLimits()
        limits.idleTimeout = .milliseconds(500)
        limits.operationTimeout = .milliseconds(300)
        limits.farewellTimeout = .milliseconds(300)
        let certificate = try CertificateTests.makeCertificate()
        try await withServer(limits, certificate: certificate) { port in
            let ending = try await Self.ending(port, [])
            #expect(ending.end == "closed" && ending.code == "0", "\(ending)")
        }
    }

    @Test("A client that says that it sends no more has gone")
    func gone() async throws {
        let certificate = try CertificateTests.makeCertificate()
        try await withServer(certificate: certificate) { port in
            let ending = try await Self.ending(port, [], saysItCloses: true)
            #expect(ending.end == "closed" && ending.seconds < 1.5, "\(ending)")
        }
    }

    @Test("Whether anybody is there may be asked once in a time, and a few times sooner", arguments: [3, 4])
    func pings(count: Int) async throws {
        var limits = EdgeLimits()
        limits.idleTimeout = .milliseconds(500)
        limits.operationTimeout = .milliseconds(300)
        limits.farewellTimeout = .milliseconds(300)
        let certificate = try CertificateTests.makeCertificate()
        let told = ToldRefusals()
        try await withServer(limits, certificate: certificate, turnedAway: told.sink) { port in
            let ping = StreamGateTests.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
            let ending = try await Self.ending(port, (0..<count).flatMap { _ in ping })
            // Three end like any connection without requests.
            #expect(ending.end == "closed" && ending.code == (count > 3 ? "11" : "0"), "\(ending)")
            if count > 3 { _ = await told.has(.abuse(.pings)) }
            #expect(told.all == (count > 3 ? [.abuse(.pings)] : []))
        }
    }
}
