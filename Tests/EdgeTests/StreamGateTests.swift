import Foundation
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import NIOPosix
import RPC
import Synchronization
import Testing

@testable import Contracts
@testable import Edge

/// Many requests at once on one HTTP/2 connection.
@Suite(.serialized) struct StreamGateTests: EdgeServing {
    /// Sends each part over TLS after negotiating HTTP/2, with pauses in between; prints how streams ended, until the
    /// wanted number have or the time is up.
    private static let script = """
        import socket, ssl, sys, time
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        line = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
        line.settimeout(0.3)
        wanted, end = int(sys.argv[2]), time.monotonic() + 15
        for place, part in enumerate(sys.argv[3:]):
            if place: time.sleep(0.3)
            line.sendall(bytes.fromhex(part))
        kept, ended = b"", []
        while len(ended) < wanted and time.monotonic() < end:
            try: data = line.recv(65536)
            except TimeoutError: continue
            except OSError: break
            if not data: break
            kept += data
            while len(kept) >= 9 and len(kept) >= 9 + int.from_bytes(kept[:3], "big"):
                size = int.from_bytes(kept[:3], "big")
                kind, flags, stream = kept[3], kept[4], int.from_bytes(kept[5:9], "big")
                if kind == 3: ended.append(f"{stream} reset {kept[12]}")
                elif kind in (0, 1) and flags & 1: ended.append(f"{stream} end")
                kept = kept[9 + size:]
        print("\\n".join(ended))
        """

    /// The bytes that open a connection: preface, SETTINGS and the acknowledgement of the other side's.
    static let beginning =
        Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, []) + frame(4, 1, 0, [])

    /// A frame (RFC 9113 §4.1).
    static func frame(_ kind: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8]) -> [UInt8] {
        let head: [UInt8] = [0, 0, UInt8(payload.count), kind, flags, 0, 0, UInt8(stream >> 8), UInt8(stream & 0xFF)]
        return head + payload
    }

    /// The stream of the request with this number, counted from 1.
    private static func stream(_ number: Int) -> Int { 2 * number - 1 }

    /// A GET, or a POST whose body is still to come.
    static func request(_ number: Int, _ path: String, isWhole: Bool = true) -> [UInt8] {
        // The method and https are in the static table; the path and the authority are literals (RFC 7541 §6.2.2).
        var block: [UInt8] = [isWhole ? 0x82 : 0x83, 0x87, 0x04, UInt8(path.utf8.count)]
        block += Array(path.utf8)
        block += [0x01, 1, UInt8(ascii: "a")]
        return frame(1, isWhole ? 5 : 4, stream(number), block)
    }

    private static func requests(_ numbers: ClosedRange<Int>, _ path: String = "/jobs/") -> [UInt8] {
        numbers.flatMap { request($0, path + "\($0)") }
    }

    private static func reset(_ number: Int) -> [UInt8] { frame(3, 0, stream(number), [0, 0, 0, 8]) }

    /// Returns how the first `count` streams to end did so.
    private static func ask(_ port: Int, until count: Int, _ parts: [UInt8]...) async throws -> [String] {
        var all = parts
        all[0] = beginning + all[0]
        let told = try await Python.run(script, ["\(port)", "\(count)"] + all.map(Python.hex))
        return told.split(separator: "\n").map(String.init)
    }

    /// Requests that record their numbers when they begin, and are answered once that is allowed.
    private final class Work: Sendable {
        private let state = Mutex<(begun: [Int], isOpen: Bool)>((begun: [], isOpen: false))
        private let waits = Mutex(0)

        var begun: [Int] { state.withLock(\.begun) }
        var waitCount: Int { waits.withLock(\.self) }
        var waited: EdgeWaitSink { { [self] wait in if wait == .http2 { waits.withLock { $0 += 1 } } } }

        /// From now on, every request is answered.
        func open() { state.withLock { $0.isOpen = true } }

        func finish() async {
            while !state.withLock(\.isOpen), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
        }

        var routes: [EdgeRoute] {
            [
                .open("work", "GET", "/jobs/{number}") { (request, _) async throws(RPCError) in
                    let number = request.pathParameters["number"].flatMap { Int($0) } ?? 0
                    self.state.withLock { $0.begun.append(number) }
                    await self.finish()
                    return EdgeResponse(status: 204)
                },
                .open("events", "GET", "/events/{number}") { (_, _) async throws(RPCError) in
                    let stream = EdgeStream(contentType: "text/event-stream") {
                        await self.finish()
                        return nil
                    } end: {
                        self.open()
                    }
                    return EdgeResponse(200, EdgeReply(stream))
                },
            ]
        }

        /// Waits until the condition holds, for at most five seconds.
        func comes(_ isSo: @Sendable (Work) -> Bool) async -> Bool {
            let patience = ContinuousClock.now.advanced(by: .seconds(5))
            while !isSo(self), ContinuousClock.now < patience { try? await Task.sleep(for: .milliseconds(2)) }
            return isSo(self)
        }
    }

    private func withTLS(
        _ limits: EdgeLimits, _ work: Work, proxies: TrustedProxies = TrustedProxies(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        turnedAway: @escaping EdgeRefusalSink = { _ in },
        _ body: @Sendable @escaping (_ port: Int) async throws -> Void
    ) async throws {
        let certificate = try CertificateTests.makeCertificate()
        try await withServer(
            limits, routes: work.routes, proxies: proxies, certificate: certificate, group: group,
            turnedAway: turnedAway, waited: work.waited, body)
    }

    /// Limits under which only answers free places.
    private static var patient: EdgeLimits {
        var limits = EdgeLimits()
        limits.streamPlaceTime = .seconds(20)
        return limits
    }

    @Test("Eight requests of a connection are in work at a time, the rest wait in order, and all are answered")
    func few() async throws {
        let work = Work()
        try await withTLS(Self.patient, work) { port in
            async let asked = Self.ask(port, until: 40, Self.requests(1...40))
            #expect(await work.comes { $0.waitCount == 32 && $0.begun.count == 8 })
            try await Task.sleep(for: .milliseconds(100))
            #expect(work.begun.sorted() == Array(1...8))
            work.open()
            let told = try await asked
            #expect(told.sorted() == (1...40).map { "\(Self.stream($0)) end" }.sorted())
            #expect(Array(work.begun.dropFirst(8)) == Array(9...40))
        }
    }

    @Test("A request that is withdrawn while it waits is never begun, and holds up nobody")
    func withdrawn() async throws {
        let work = Work()
        try await withTLS(Self.patient, work) { port in
            // The last one shows that what was sent before it has been seen.
            async let asked = Self.ask(
                port, until: 11, Self.requests(1...12), Self.reset(10) + Self.reset(11) + Self.requests(13...13))
            #expect(await work.comes { $0.waitCount == 5 })
            work.open()
            let told = try await asked
            #expect(told.count == 11)
            #expect(work.begun.sorted() == Array(1...9) + [12, 13])
        }
    }

    @Test("Answers that go on for ever take no place")
    func streams() async throws {
        let work = Work()
        try await withTLS(Self.patient, work) { port in
            async let asked = Self.ask(
                port, until: 1, Self.requests(1...20, "/events/"), Self.requests(21...21, "/nowhere/"))
            let told = try await asked
            #expect(told == ["\(Self.stream(21)) end"])
        }
    }

    @Test("What takes long keeps its place for a time only")
    func slow() async throws {
        let work = Work()
        var limits = EdgeLimits()
        limits.streamPlaceTime = .milliseconds(100)
        try await withTLS(limits, work) { port in
            async let asked = Self.ask(port, until: 20, Self.requests(1...20))
            #expect(await work.comes { $0.begun.count == 20 }, "\(work.begun)")
            work.open()
            let told = try await asked
            #expect(told.count == 20)
        }
    }

    @Test("Those of a proxy are everybody's, and wait for nobody")
    func proxy() async throws {
        let work = Work()
        let proxies = TrustedProxies([try #require(NetworkRange("127.0.0.1"))])
        try await withTLS(Self.patient, work, proxies: proxies) { port in
            async let asked = Self.ask(port, until: 20, Self.requests(1...20))
            #expect(await work.comes { $0.begun.count == 20 }, "\(work.begun)")
            work.open()
            let told = try await asked
            #expect(told.count == 20 && work.waitCount == 0)
        }
    }

    /// What a client may send of a body before it is read used to be charged to no account.
    @Test("A body waits only where there is room for it; its request may come again")
    func room() async throws {
        let work = Work()
        let refusals = ToldRefusals()
        var limits = Self.patient
        // Enough for the unrequested part of one body, not of two.
        (limits.bodyBytesFree, limits.addressBodiesBytesMax) = (0, 100_000)
        try await withTLS(limits, work, turnedAway: refusals.sink) { port in
            let bodies = Self.request(9, "/jobs/9", isWhole: false) + Self.request(10, "/jobs/10", isWhole: false)
            let told = try await Self.ask(port, until: 1, Self.requests(1...8) + bodies)
            // REFUSED_STREAM.
            #expect(told == ["\(Self.stream(10)) reset 7"])
            #expect(await refusals.has(.abuse(.bodies)))
            work.open()
        }
    }

    /// The framework itself remembers 31 of them: a part of a body still on its way for an older one ended the
    /// connection.
    @Test("As many requests as a connection may have are refused at once, and what still comes for them ends nothing")
    func lateParts() async throws {
        let work = Work()
        let refusals = ToldRefusals()
        var limits = Self.patient
        limits.addressStreamsMax = 1
        try await withTLS(limits, work, turnedAway: refusals.sink) { port in
            let bodies = (2...100).flatMap { Self.request($0, "/jobs/\($0)", isWhole: false) }
            let parts = (2...100).flatMap { Self.frame(0, 1, Self.stream($0), [UInt8](repeating: 0, count: 16)) }
            async let asked = Self.ask(
                port, until: 100, Self.requests(1...1) + bodies, parts, Self.reset(1), Self.requests(101...101))
            #expect(await work.comes { $0.begun == [1, 101] }, "\(work.begun)")
            work.open()
            let told = try await asked
            let refused = (2...100).map { "\(Self.stream($0)) reset 7" }
            #expect(told.sorted() == (refused + ["\(Self.stream(101)) end"]).sorted())
            #expect(await refusals.has(.abuse(.addressStreams)))
        }
    }

    /// One loop for all connections of a test; it lives as long as the process.
    private static let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// In a debug build, others once waited for 1.9 s: all requests of a connection were begun in one go.
    @Test("While one connection has many requests at once, others of its loop are answered after a few of them")
    func fairness() async throws {
        let work = Work()
        work.open()
        var limits = EdgeLimits()
        limits.pipelinedPause = .milliseconds(50)
        try await withTLS(limits, work, group: Self.loop) { port in
            // All 90 would take 4 s.
            async let flood = Self.ask(port, until: 20, Self.requests(1...90))
            #expect(await work.comes { !$0.begun.isEmpty })
            let polite = try await Self.ask(port, until: 8, Self.requests(101...108))
            #expect(polite.count == 8)
            #expect(work.begun.count < 80, "\(work.begun)")
            _ = try await flood
        }
    }

    /// Records what a stream's turn has let through.
    private final class Ear: ChannelInboundHandler {
        typealias InboundIn = HTTPRequestPart

        var heard: [String] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: heard.append("head")
            case .body: heard.append("body")
            case .end: heard.append("end")
            }
        }
    }

    @Test(
        "A network has so many streams, of all its connections; more are refused, to be sent again, until some have ended"
    )
    func streamsOfNetwork() throws {
        let loop = EmbeddedEventLoop()
        let (limits, streams) = (EdgeLimits(), ConnectionCounts(limit: 2, proxies: TrustedProxies()))
        let refused = Mutex<[EdgeRefusal]>([])
        let head = HTTPRequest(method: .get, scheme: "https", authority: "a", path: "/")
        /// A stream on a connection of its own, and what has come through.
        func stream() throws -> (channel: EmbeddedChannel, heard: [String]) {
            let gate = StreamGate(
                limits: limits, line: TurnLine(loop, pause: limits.pipelinedPause), loop: loop,
                room: BodyRoom(limits: limits), streams: streams, network: [1], client: "",
                turnedAway: { refusal in refused.withLock { $0.append(refusal) } }, waited: { _ in })
            let (channel, ear) = (EmbeddedChannel(loop: loop), Ear())
            try channel.pipeline.syncOperations.addHandler(StreamTurn(gate: gate))
            try channel.pipeline.syncOperations.addHandler(ear)
            try channel.writeInbound(HTTPRequestPart.head(head))
            return (channel, ear.heard)
        }
        let first = [try stream(), try stream()]
        #expect(first.map(\.heard) == [["head"], ["head"]])
        #expect(try stream().heard == [])
        #expect(refused.withLock { $0 } == [.abuse(.addressStreams)])
        _ = try first[0].channel.finish(acceptAlreadyClosed: true)
        let next = try stream()
        #expect(next.heard == ["head"])
        for each in [first[1].channel, next.channel] { _ = try each.finish(acceptAlreadyClosed: true) }
        #expect(streams.enter([1]) && streams.enter([1]) && !streams.enter([1]))
    }
}
