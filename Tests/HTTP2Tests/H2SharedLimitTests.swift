import NIOCore
import NIOPosix
import Testing

@testable import HTTP2

/// Limits that a single exchange does not reach: across connections, on the queue behind a write, on a stalled socket.
@Suite struct H2SharedLimitTests {
    private static let opening = Raw.preface + Raw.settings()

    private func server(_ budget: H2ByteBudget) throws -> H2Session {
        try H2Session(.server, limits: H2Limits(), remoteAddress: "192.0.2.1", requestBudget: budget, now: .now)
    }

    /// The events of a server session that receives `bytes`.
    private func feed(_ session: inout H2Session, _ bytes: [UInt8]) -> [H2Event] {
        bytes.withUnsafeBytes { session.receive($0, now: .now) }
    }

    private func refusals(_ events: [H2Event]) -> [H2Observation.StreamRefusal] {
        events.compactMap { event in
            if case .observed(.streamRefused(_, let refusal)) = event { refusal } else { nil }
        }
    }

    @Test("Unfinished bodies of all connections together are bounded, and what ends gives its share back")
    func requestBudget() throws {
        let budget = H2ByteBudget(bytesMax: 100)
        let sixty = [UInt8](repeating: 1, count: 60)
        var first = try server(budget)
        var events = feed(&first, Self.opening + Raw.headers(1, end: false) + Raw.data(1, sixty, end: false))
        #expect(refusals(events).isEmpty)
        var second = try server(budget)
        events = feed(&second, Self.opening + Raw.headers(1, end: false) + Raw.data(1, sixty, end: false))
        #expect(refusals(events) == [.serverRequestBytes])
        // A complete body belongs to the handler.
        _ = feed(&first, Raw.data(1, [1], end: true))
        events = feed(&second, Raw.headers(3, end: false) + Raw.data(3, sixty, end: false))
        #expect(refusals(events).isEmpty)
        // A lost connection gives its share back too.
        second = try server(budget)
        events = feed(&first, Raw.headers(3, end: false) + Raw.data(3, sixty + sixty.prefix(40), end: false))
        #expect(refusals(events).isEmpty)
    }

    @Test("Frames that wait to be sent are bounded, whatever provoked them", arguments: [(50, false), (51, true)])
    func outboundQueue(pings: Int, isTooMany: Bool) throws {
        var limits = H2Limits()
        limits.pingRate = H2Rate(burst: 10_000, perSecond: 0)
        limits.outboundFramesMax = 50
        let pair = try SessionPair(serverLimits: limits)
        pair.pump()
        pair.feedServer((0..<pings).flatMap { Raw.ping(UInt8($0)) })
        #expect((pair.serverBreak?.code == .enhanceYourCalm) == isTooMany)
        #expect(pair.observations.contains(.abuse(.outboundQueue)) == isTooMany)
    }

    @Test("An address that floods a connection gets no other")
    func floodPenalty() async throws {
        let server = try await TestServer.start { $0.floodPenalty = .seconds(600) }
        let flood = RawFrameCase("pings without end", ConnectionCases.many(60, Raw.ping()), .goAway([.enhanceYourCalm]))
        #expect(try await RawConnection.play(flood, port: server.server.boundPort).isMet)
        #expect(server.observed.all.contains(.abuse(.pings)))
        await #expect(throws: H2Error.self) { try await server.connect() }
        let refused = server.observed.all.contains {
            if case .connectionRefused(_, .punished) = $0 { true } else { false }
        }
        #expect(refused)
        await server.stop()
    }

    @Test("The penalty of a flood ends when its time is over; other addresses notice nothing of it")
    func endOfPenalty() async throws {
        var limits = H2Limits()
        limits.floodPenalty = .seconds(1)
        let ledger = H2ConnectionLedger(limits: limits)
        let channel = try await ServerBootstrap(group: TestServer.group).bind(host: "127.0.0.1", port: 0).get()
        let now = ContinuousClock.now
        ledger.punish("192.0.2.1", now: now)
        #expect(ledger.admit(channel, from: "192.0.2.1", now: now + .milliseconds(999)) == .punished)
        #expect(ledger.admit(channel, from: "192.0.2.2", now: now) == nil)
        #expect(ledger.admit(channel, from: "192.0.2.1", now: now + .seconds(1)) == nil)
        try await channel.close()
    }

    @Test("A socket that takes nothing is closed, though no stream is slow by itself")
    func stalledSocket() async throws {
        let server = try await TestServer.start {
            $0.writeProgressTimeout = .milliseconds(200)
            // No stream is ever considered slow, so that only the socket can be.
            $0.writeProgressBytesMin = 0
            $0.responseBytesMax = .max
            $0.sweepInterval = .milliseconds(20)
        }
        let channel = try await ClientBootstrap(group: TestServer.group)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_rcvbuf), value: 4_096)
            .connect(host: "127.0.0.1", port: server.server.boundPort).get()
        let windows = Raw.settings([(4, 0x7fff_ffff)]) + Raw.window(0, 0x7fff_0000)
        let calls = (0..<90).flatMap { Raw.headers(UInt32($0 * 2 + 1), Raw.post("/large")) }
        try await channel.writeAndFlush(ByteBuffer(bytes: Raw.preface + windows + calls))
        let patience = ContinuousClock.now.advanced(by: .seconds(8))
        while server.server.connectionCount > 0, ContinuousClock.now < patience {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(server.server.connectionCount == 0)
        #expect(server.observed.all.contains(.abuse(.writeTimeout)))
        #expect(
            !server.observed.all.contains { if case .resetSent = $0 { true } else { false } },
            "streams were reset instead")
        try? await channel.close()
        await server.stop()
    }
}
