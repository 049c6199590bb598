import Edge
import Foundation
import Synchronization
import Testing

/// What the public side has reported about clients that it turned away.
final class ToldRefusals: Sendable {
    private let refusals = Mutex<[EdgeRefusal]>([])

    var sink: EdgeRefusalSink { { [self] refusal in refusals.withLock { $0.append(refusal) } } }
    var all: [EdgeRefusal] { refusals.withLock { $0 } }

    /// Waits until the refusal is reported, for at most five seconds: the client may know first.
    func has(_ refusal: EdgeRefusal) async -> Bool {
        let patience = ContinuousClock.now.advanced(by: .seconds(5))
        while !all.contains(refusal), ContinuousClock.now < patience { try? await Task.sleep(for: .milliseconds(10)) }
        return all.contains(refusal)
    }

    /// Returns all that was reported, after waiting for `refusal` as `has` does.
    func all(with refusal: EdgeRefusal) async -> [EdgeRefusal] {
        _ = await has(refusal)
        return all
    }
}

/// Clients that are turned away before there is a request are counted by reason.
@Suite(.serialized) struct RefusalTests: EdgeServing {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
        let refusal: EdgeRefusal
    }

    private static let cases = [
        Case(testDescription: "no HTTP", text: "this is no HTTP\r\n\r\n", refusal: .request(.malformed)),
        Case(
            testDescription: "HTTP that must not be taken for a request",
            text: "GET /api/v1/nowhere HTTP/1.1\r\nhost: api\r\nhost: other\r\n\r\n", refusal: .request(.malformed)),
        Case(
            testDescription: "a large header",
            text: Self.get("/api/v1/nowhere", ["x-large: " + String(repeating: "x", count: 40_000)]),
            refusal: .request(.largeHead)),
        Case(
            testDescription: "many fields", text: Self.get("/api/v1/nowhere", (0..<120).map { "x-\($0): 1" }),
            refusal: .request(.largeHead)),
        Case(
            testDescription: "a header without its end", text: "GET /api/v1/nowhere HTTP/1.1\r\nhost: api\r\n",
            refusal: .request(.slowHead)),
        Case(
            testDescription: "a body without its end",
            text: Self.post("/api/v1/auth/login", ["content-length: 10"], "{"),
            refusal: .request(.slowBody)),
    ]

    /// Returns a client that has been answered and stays connected.
    private static func answered(_ port: Int, andWrote more: String = "") async throws -> RawClient {
        let client = try RawClient(port: port)
        client.write("GET /api/v1/nowhere HTTP/1.1\r\nhost: api\r\n\r\n" + more)
        _ = try await client.read { $0.contains("routeNotFound") }
        return client
    }

    @Test("A request that is refused by the protocol is told once, with why", arguments: cases)
    func request(refused: Case) async throws {
        var limits = EdgeLimits()
        limits.headerTimeout = .seconds(1)
        limits.bodyTimeout = .seconds(1)
        limits.farewellTimeout = .milliseconds(300)
        let told = ToldRefusals()
        try await withServer(limits, turnedAway: told.sink) { port in
            let client = try RawClient(port: port)
            client.write(refused.text)
            _ = try await client.readToEnd()
            #expect(await told.all(with: refused.refusal) == [refused.refusal])
        }
    }

    @Test("Who is served is not told, nor who goes away in the middle")
    func served() async throws {
        let told = ToldRefusals()
        try await withServer(turnedAway: told.sink) { port in
            #expect(try await Self.exchange(port, Self.get("/api/v1/nowhere")).hasPrefix("HTTP/1.1 404 "))
            _ = try await Self.answered(port, andWrote: "GET /api/v1/no")
            #expect(try await Self.exchange(port, Self.get("/api/v1/nowhere")).hasPrefix("HTTP/1.1 404 "))
            #expect(told.all.isEmpty, "\(told.all)")
        }
    }

    @Test("One connection too many of an address is told")
    func address() async throws {
        var limits = EdgeLimits()
        limits.addressConnectionsMax = 1
        let told = ToldRefusals()
        try await withServer(limits, turnedAway: told.sink) { port in
            let first = try await Self.answered(port)
            let heard = try await RawClient(port: port).readToEnd()
            #expect(heard == "")
            #expect(await told.all(with: .connection(.address)) == [.connection(.address)])
            withExtendedLifetime(first) {}
        }
    }

    @Test("That all places are taken is told")
    func full() async throws {
        var limits = EdgeLimits()
        limits.connectionsMax = 1
        let told = ToldRefusals()
        try await withServer(limits, turnedAway: told.sink) { port in
            let first = try await Self.answered(port)
            #expect(await told.has(.connection(.full)))
            withExtendedLifetime(first) {}
        }
    }

    /// Repeatedly disconnects as soon as the last message of its handshake is written, as the probes of load balancers
    /// do: it is mostly gone before that is read.
    private static let hasty = """
        import socket, ssl, struct, sys
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        for _ in range(50):
            line = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            come, gone = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(come, gone)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    line.sendall(gone.read())
                    come.write(line.recv(65536))
            line.sendall(gone.read())
            line.close()
        print("left")
        """

    @Test("Who agrees on TLS and has gone by then is not told as one who does not agree on it")
    func hasty() async throws {
        let certificate = try CertificateTests.makeCertificate()
        let told = ToldRefusals()
        var limits = EdgeLimits()
        limits.handshakeTimeout = .seconds(1)
        try await withServer(limits, certificate: certificate, turnedAway: told.sink) { port in
            let said = try await Python.run(Self.hasty, ["\(port)"])
            #expect(said.hasPrefix("left"), "\(said)")
            // A client that sends nothing is.
            _ = try await RawClient(port: port).readToEnd()
            #expect(await told.all(with: .connection(.tls)) == [.connection(.tls)])
        }
    }

    @Test("Who does not agree on TLS is told once, and who was one too many not as such")
    func handshake() async throws {
        let certificate = try CertificateTests.makeCertificate()
        let told = ToldRefusals()
        try await withServer(certificate: certificate, turnedAway: told.sink) { port in
            let plain = try RawClient(port: port)
            plain.write(Self.get("/api/v1/nowhere"))
            _ = try await plain.readToEnd()
            #expect(await told.all(with: .connection(.tls)) == [.connection(.tls)])
        }
        var limits = EdgeLimits()
        limits.addressConnectionsMax = 0
        let crowded = ToldRefusals()
        try await withServer(limits, certificate: certificate, turnedAway: crowded.sink) { port in
            let told = try await RawClient(port: port).readToEnd()
            #expect(told == "")
            #expect(await crowded.all(with: .connection(.address)) == [.connection(.address)])
        }
    }
}
