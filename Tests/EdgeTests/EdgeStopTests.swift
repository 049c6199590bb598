import HummingbirdCore
import NIOCore
import NIOEmbedded
import RPC
import ServiceLifecycle
import Synchronization
import Testing

@testable import Contracts
@testable import Edge

/// A server that stops while clients have HTTP/2 connections.
@Suite(.serialized) struct EdgeStopTests: EdgeServing {
    private static let connecting = """
        import socket, ssl, sys, time
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        line = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
        line.settimeout(10)
        line.sendall(bytes.fromhex(sys.argv[2]))

        def frames():
            kept = b""
            while data := line.recv(65536):
                kept += data
                while len(kept) >= 9 and len(kept) >= 9 + int.from_bytes(kept[:3], "big"):
                    size = int.from_bytes(kept[:3], "big")
                    yield kept[3], kept[4], int.from_bytes(kept[5:9], "big"), kept[9:9 + size]
                    kept = kept[9 + size:]

        """

    /// Prints what arrives until the connection is closed. On a PING, it sends its late frames, waits until stream 3
    /// has ended, and acknowledges; without late frames it acknowledges at once. After the final GOAWAY it opens the
    /// window for the rest of stream 1.
    private static let polite =
        connecting + """
            late, more = bytes.fromhex(sys.argv[3]), bytes.fromhex(sys.argv[4])
            bodies, answer, farewells = {}, b"", 0
            try:
                for kind, flags, stream, payload in frames():
                    if kind == 0: bodies[stream] = bodies.get(stream, 0) + len(payload)
                    if kind in (0, 1) and flags & 1:
                        print(stream, "end", bodies.get(stream, 0))
                        if late and stream == 3: line.sendall(answer)
                    elif kind == 3:
                        print(stream, "reset", payload[3])
                        if late and stream == 3: line.sendall(answer)
                    elif kind == 6 and not flags & 1:
                        print("ping")
                        answer = bytes([0, 0, 8, 6, 1, 0, 0, 0, 0]) + payload
                        line.sendall(late or answer)
                    elif kind == 7:
                        print("goaway", int.from_bytes(payload[:4], "big"), payload[7])
                        farewells += 1
                    if more and farewells == 2 and bodies.get(1, 0) > 0:
                        line.sendall(more)
                        more = b""
                print("closed")
            except TimeoutError: print("open")
            except OSError: print("broken")
            """

    /// Does not acknowledge a PING, and sends one request after another until it no longer can.
    private static let impatient =
        connecting + """
            request, end = bytes.fromhex(sys.argv[3]), time.monotonic() + 15
            for kind, flags, stream, payload in frames():
                if kind == 6 and not flags & 1: break
            number = 3
            try:
                while time.monotonic() < end:
                    line.sendall(request[:5] + number.to_bytes(4, "big") + request[9:])
                    number += 2
                    time.sleep(0.001)
                print("open")
            except OSError: print("closed")
            """

    /// Answers notes at once, and reports, of 5,000 bytes, once it is opened.
    private final class Desk: Sendable {
        private let state = Mutex<(begun: Set<String>, waits: Int, isOpen: Bool)>((begun: [], waits: 0, isOpen: false))

        /// From now on, reports are answered.
        func open() { state.withLock { $0.isOpen = true } }

        var waited: EdgeWaitSink { { [self] wait in if wait == .http2 { state.withLock { $0.waits += 1 } } } }

        private func begin(_ name: String) { state.withLock { _ = $0.begun.insert(name) } }

        private func comes(_ isSo: @Sendable (_ begun: Set<String>, _ waits: Int) -> Bool) async -> Bool {
            let patience = ContinuousClock.now.advanced(by: .seconds(5))
            while true {
                if state.withLock({ isSo($0.begun, $0.waits) }) { return true }
                guard ContinuousClock.now < patience else { return false }
                try? await Task.sleep(for: .milliseconds(2))
            }
        }

        /// Waits until such a request is in progress, for at most five seconds.
        func begins(_ name: String) async -> Bool { await comes { begun, _ in begun.contains(name) } }

        /// Waits, just as long, until a request is waiting for a place.
        func hasWaiting() async -> Bool { await comes { _, waits in waits > 0 } }

        private func note() -> EdgeResponse {
            begin("note")
            return EdgeResponse(status: 204)
        }

        var routes: [EdgeRoute] {
            [
                .open("report", "GET", "/reports/{number}") { (_, _) async throws(RPCError) in
                    self.begin("report")
                    while !self.state.withLock(\.isOpen), !Task.isCancelled {
                        try? await Task.sleep(for: .milliseconds(2))
                    }
                    return EdgeResponse(
                        status: 200, headers: [("content-type", "text/plain")],
                        body: [UInt8](repeating: UInt8(ascii: "a"), count: 5_000))
                },
                .open("note", "GET", "/notes/{number}") { (_, _) async throws(RPCError) in self.note() },
                .open("writeNote", "POST", "/notes/{number}", takesAnyBody: true) { (_, _) async throws(RPCError) in
                    self.note()
                },
            ]
        }
    }

    /// The framework's handler used to reset a stream once its answer was written, even if the client's window was
    /// full.
    @Test(
        "Who stops says so, serves what was sent before the client knew, bodies too, and closes when all of it has come"
    )
    func inOrder() async throws {
        let desk = Desk()
        let (lifetime, ports) = makeServer(routes: desk.routes, certificate: try CertificateTests.makeCertificate())
        async let life: Void = lifetime.run()
        var arrivals = ports.makeAsyncIterator()
        let port = try #require(await arrivals.next())
        // A window of 1,000 bytes per request (RFC 9113 §6.5.2), and another 100,000 for the first.
        let window = StreamGateTests.frame(4, 0, 0, [0, 4, 0, 0, 3, 0xE8])
        let more = StreamGateTests.frame(8, 0, 1, [0, 1, 0x86, 0xA0])
        // A note that is sent in parts, with a larger window for its answer.
        let late =
            StreamGateTests.request(2, "/notes/2", isWhole: false) + StreamGateTests.frame(8, 0, 3, [0, 0, 0x10, 0])
            + StreamGateTests.frame(0, 1, 3, [UInt8](repeating: 0, count: 16))
        let first = StreamGateTests.beginning + window + StreamGateTests.request(1, "/reports/1")
        async let printed = Python.run(
            Self.polite,
            ["\(port)"] + [first, late, more].map(Python.hex))
        #expect(await desk.begins("report"))
        await lifetime.triggerGracefulShutdown()
        desk.open()
        let told = try await printed
        let wanted = ["goaway 2147483647 0", "ping", "3 end 0", "goaway 3 0", "1 end 5000", "closed"]
        #expect(told.split(separator: "\n").map(String.init) == wanted)
        try await life
    }

    @Test("A request that waits for a place while the server stops has its answer too")
    func waiting() async throws {
        let desk = Desk()
        var limits = EdgeLimits()
        (limits.streamsInWorkMax, limits.streamPlaceTime) = (1, .seconds(20))
        let (lifetime, ports) = makeServer(
            limits, routes: desk.routes, certificate: try CertificateTests.makeCertificate(), waited: desk.waited)
        async let life: Void = lifetime.run()
        var arrivals = ports.makeAsyncIterator()
        let port = try #require(await arrivals.next())
        let both = StreamGateTests.request(1, "/reports/1") + StreamGateTests.request(2, "/reports/2")
        async let printed = Python.run(
            Self.polite, ["\(port)", Python.hex(StreamGateTests.beginning + both), "", ""])
        #expect(await desk.hasWaiting())
        await lifetime.triggerGracefulShutdown()
        try await Task.sleep(for: .milliseconds(100))
        desk.open()
        let told = try await printed
        let lines = told.split(separator: "\n").map(String.init)
        #expect(lines.contains("1 end 5000") && lines.contains("3 end 5000") && lines.last == "closed", "\(lines)")
        try await life
    }

    /// The connection used to stay open although nothing served it any more.
    @Test("A stop that is over before a client has answered closes its connection, whatever it still sends")
    func cutShort() async throws {
        let desk = Desk()
        let (lifetime, ports) = makeServer(routes: desk.routes, certificate: try CertificateTests.makeCertificate())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await lifetime.run() }
            var arrivals = ports.makeAsyncIterator()
            let port = try #require(await arrivals.next())
            let first = StreamGateTests.beginning + StreamGateTests.request(1, "/reports/1")
            async let printed = Python.run(
                Self.impatient,
                ["\(port)", Python.hex(first), Python.hex(StreamGateTests.request(2, "/notes/2"))])
            #expect(await desk.begins("report"))
            await lifetime.triggerGracefulShutdown()
            try await Task.sleep(for: .milliseconds(300))
            let cut = ContinuousClock.now
            group.cancelAll()
            let told = try await printed
            #expect(told == "closed")
            while await group.nextResult() != nil {}
            #expect(cut.duration(to: .now) < .seconds(5))
        }
    }

    /// A request may arrive after a connection's server task has ended and before the connection itself ends.
    @Test("A request that nobody takes is held until its stream ends")
    func untaken() throws {
        let loop = EmbeddedEventLoop()
        let channel = EmbeddedChannel(loop: loop)
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        channel.connect(to: address, promise: nil)
        let requests = HTTP1Channel(responder: { (_, writer: consuming ResponseWriter, _) in })
        // The multiplexer is dropped, so no stream is served.
        _ = try MultiplexedChannel(requests: requests, limits: EdgeLimits()).setup(channel, gate: nil)
        let bytes = StreamGateTests.beginning + StreamGateTests.request(1, "/notes/1")
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        loop.run()
        #expect(channel.isActive)
        _ = try? channel.finish(acceptAlreadyClosed: true)
        loop.run()
    }
}
