import HTTP2
import Testing

/// Every timeout just before, at and just after it is due, on a clock that the test moves.
@Suite struct H2SessionTimerTests {
    private static let tick = Duration.nanoseconds(1)

    private func ready(_ change: (inout H2Limits) -> Void = { _ in }) throws -> SessionPair {
        var limits = H2Limits()
        change(&limits)
        let pair = try SessionPair(serverLimits: limits)
        pair.pump()
        return pair
    }

    /// Feeds frames to a server that has received the preface and SETTINGS.
    private func fed(_ frames: [UInt8]) throws -> SessionPair {
        let pair = try ready()
        pair.feedServer(frames)
        return pair
    }

    @Test func prefaceTimeout() throws {
        let pair = try SessionPair()
        pair.expireServer(after: .seconds(5))
        #expect(pair.serverBreak == nil)
        pair.expireServer(after: Self.tick)
        #expect(pair.serverBreak?.code == .settingsTimeout)
        #expect(pair.observations.contains(.abuse(.prefaceTimeout)))
        _ = pair.pullServer()
        #expect(pair.serverWantsClose)
    }

    @Test func settingsAckTimeout() throws {
        let pair = try SessionPair()
        pair.feedServer(Raw.preface + Raw.settings())
        pair.expireServer(after: .seconds(10))
        #expect(pair.serverBreak == nil)
        pair.expireServer(after: Self.tick)
        #expect(pair.observations.contains(.abuse(.settingsTimeout)))
    }

    @Test func headersTimeout() throws {
        let pair = try fed(Raw.headers(1, endHeaders: false))
        pair.expireServer(after: .seconds(10))
        #expect(pair.serverBreak == nil)
        pair.expireServer(after: Self.tick)
        #expect(pair.observations.contains(.abuse(.headersTimeout)))
    }

    /// The library never reports the end of a malformed header block; such a block must not count as slow.
    @Test func aMalformedRequestDoesNotCountAsSlow() throws {
        let pair = try fed(Raw.headers(1, Raw.post + [("Upper", "x")]))
        _ = pair.pullServer()
        pair.expireServer(after: .seconds(11))
        #expect(pair.serverBreak == nil)
        #expect(pair.observations.contains(.resetSent(H2StreamID(rawValue: 1), .protocolError)))
    }

    @Test func bodyIdleTimeout() throws {
        let pair = try fed(Raw.headers(1, end: false))
        pair.expireServer(after: .seconds(29))
        pair.feedServer(Raw.data(1, [1], end: false))
        pair.expireServer(after: .seconds(30))
        #expect(!pair.observations.contains(.requestRejected(H2StreamID(rawValue: 1), status: 408)))
        pair.expireServer(after: Self.tick)
        #expect(pair.observations.contains(.requestRejected(H2StreamID(rawValue: 1), status: 408)))
        #expect(pair.serverBreak == nil)
    }

    @Test func requestTimeout() throws {
        let pair = try fed(Raw.headers(1, end: false))
        for _ in 0..<3 {
            pair.expireServer(after: .seconds(20))
            pair.feedServer(Raw.data(1, [1], end: false))
        }
        #expect(!pair.observations.contains(.requestRejected(H2StreamID(rawValue: 1), status: 408)))
        pair.expireServer(after: Self.tick)
        #expect(pair.observations.contains(.requestRejected(H2StreamID(rawValue: 1), status: 408)))
    }

    @Test func idleTimeoutCountsFromTheLastStream() throws {
        let pair = try ready()
        pair.expireServer(after: .seconds(200))
        let id = try pair.submit()
        pair.pump()
        pair.expireServer(after: .seconds(400))
        #expect(pair.serverBreak == nil)
        pair.server.respond(to: id, H2Response(status: 200), now: pair.now)
        pair.pump()
        pair.expireServer(after: .seconds(300))
        #expect(pair.serverBreak == nil)
        pair.expireServer(after: Self.tick)
        #expect(pair.serverBreak?.code == .noError)
    }

    @Test(arguments: [(1_023, true), (1_024, false), (1_025, false)])
    func writeProgress(_ window: UInt32, _ isReset: Bool) throws {
        let pair = try SessionPair()
        pair.feedServer(Raw.preface + Raw.settings([(4, 0)]) + Raw.settingsAck + Raw.headers(1))
        pair.server.respond(
            to: H2StreamID(rawValue: 1), H2Response(status: 200, body: Array(repeating: 0, count: 5_000)), now: pair.now
        )
        _ = pair.pullServer()
        pair.feedServer(Raw.window(1, window))
        _ = pair.pullServer()
        pair.expireServer(after: .seconds(30) + Self.tick)
        _ = pair.pullServer()
        pair.expireServer(after: .zero)
        #expect(pair.observations.contains(.resetSent(H2StreamID(rawValue: 1), .cancel)) == isReset)
    }
}

@Suite struct TokenBucketTests {
    @Test func givesItsBurstAndNoMore() {
        let now = ContinuousClock.now
        var bucket = TokenBucket(H2Rate(burst: 3, perSecond: 2), now: now)
        let taken = (0..<4).map { _ in bucket.take(now: now) }
        #expect(taken == [true, true, true, false])
    }

    @Test func refillsWithTime() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(H2Rate(burst: 3, perSecond: 2), now: start)
        for _ in 0..<3 { _ = bucket.take(now: start) }
        let taken = [499, 500, 500, 60_000, 60_000, 60_000, 60_000].map { milliseconds in
            bucket.take(now: start + .milliseconds(milliseconds))
        }
        #expect(taken == [false, true, false, true, true, true, false])
    }

    @Test func ignoresATimeThatGoesBack() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(H2Rate(burst: 1, perSecond: 1), now: start)
        let taken = [bucket.take(now: start), bucket.take(now: start - .seconds(10))]
        #expect(taken == [true, false])
    }
}
