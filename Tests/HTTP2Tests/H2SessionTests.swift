import HTTP2
import TestSupport
import Testing

@Suite struct H2SessionTests {
    private static let fields = [H2Header("content-type", "application/json"), H2Header("rpc-timeout-ms", "1500")]

    @Test func carriesARequestAndItsResponse() throws {
        let pair = try SessionPair()
        let request = H2Request(
            method: "POST", path: "/rpc", authority: "ratings:80", headers: Self.fields, body: Array("{}".utf8))
        let id = try pair.client.submit(request, now: pair.now)
        pair.pump()
        let received = try #require(pair.requests.first)
        #expect(received.id == id)
        #expect(received.request.method == "POST")
        #expect(received.request.path == "/rpc")
        #expect(received.request.scheme == "http")
        #expect(received.request.authority == "ratings:80")
        #expect(received.request.headers == Self.fields)
        #expect(received.request.headers["rpc-timeout-ms"] == "1500")
        #expect(received.request.body == Array("{}".utf8))
        #expect(received.request.remoteAddress == "192.0.2.1")
        #expect(pair.handlerCount == 1)
        pair.server.respond(
            to: received.id, H2Response(status: 404, headers: Self.fields, body: Array("no".utf8)), now: pair.now)
        pair.pump()
        #expect(pair.handlerCount == 0)
        let response = try #require(pair.responses.first?.response)
        #expect(response.status == 404)
        #expect(response.headers == Self.fields)
        #expect(response.body == Array("no".utf8))
        #expect(pair.clientStreamCount == 0)
        #expect(pair.serverStreamCount == 0)
    }

    /// All values have the same length in Huffman code, so that sizes differ only by what is not in the table.
    @Test func keepsAFieldOfOneRequestOutOfTheTable() throws {
        let pair = try SessionPair()
        pair.pump()
        var sizes: [Int] = []
        for place in 0..<80 {
            let own = String(repeating: "a", count: place) + "b" + String(repeating: "a", count: 79 - place)
            try pair.submit(
                H2Request(
                    method: "POST", path: "/rpc", authority: "test",
                    headers: [H2Header("same", String(repeating: "s", count: 60))],
                    ownHeaders: [H2Header("own-of-this-request", own)]))
            let bytes = pair.pullClient()
            sizes.append(bytes.count)
            pair.feedServer(bytes)
            let headers = try #require(pair.requests.last?.request.headers)
            #expect(headers.map(\.name) == ["same", "own-of-this-request"])
            #expect(headers["own-of-this-request"] == own)
        }
        // The first also carries the names and the common value.
        #expect(sizes[0] > sizes[1] + 40)
        #expect(Set(sizes[1...]).count == 1)
    }

    /// The bytes of two requests mean the same wherever they are split in two.
    @Test func readsRequestsCutAtEachOffset() throws {
        let source = try SessionPair()
        _ = try source.submit("/one", body: Array("first".utf8))
        _ = try source.submit("/two", body: Array(repeating: 7, count: 300))
        let bytes = source.pullClient()
        for offset in 0...bytes.count {
            let pair = try SessionPair()
            pair.feedServer(bytes[..<offset])
            pair.feedServer(bytes[offset...])
            #expect(pair.requests.map(\.request.path) == ["/one", "/two"], "cut at \(offset)")
            #expect(pair.requests.map(\.request.body.count) == [5, 300], "cut at \(offset)")
        }
    }

    @Test func readsResponsesCutAtEachOffset() throws {
        /// Both sides up to the response; the client's bytes are the same each time.
        func prepared() throws -> SessionPair {
            let pair = try SessionPair()
            _ = try pair.submit()
            pair.pump()
            return pair
        }
        let source = try prepared()
        source.server.respond(
            to: source.requests[0].id,
            H2Response(status: 200, headers: Self.fields, body: Array(repeating: 1, count: 200)),
            now: source.now)
        let bytes = source.pullServer()
        for offset in 0...bytes.count {
            let pair = try prepared()
            pair.feedClient(bytes[..<offset])
            pair.feedClient(bytes[offset...])
            #expect(pair.responses.map(\.response.body.count) == [200], "cut at \(offset)")
            #expect(pair.responses.map(\.response.headers) == [Self.fields], "cut at \(offset)")
        }
    }

    @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 1_048_575, 1_048_576])
    func carriesBodiesOfEverySize(_ count: Int) throws {
        let pair = try SessionPair()
        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        _ = try pair.submit(body: body)
        pair.pump()
        let received = try #require(pair.requests.first)
        #expect(received.request.body == body)
        pair.server.respond(to: received.id, H2Response(status: 200, body: body), now: pair.now)
        pair.pump()
        #expect(pair.responses.first?.response.body == body)
    }

    @Test func manyBodiesDoNotLeakTheWindowOfTheConnection() throws {
        let pair = try SessionPair()
        for _ in 0..<40 {
            _ = try pair.submit(body: Array(repeating: 1, count: 100_000))
            pair.pump()
            let id = try #require(pair.requests.last?.id)
            pair.server.respond(
                to: id, H2Response(status: 200, body: Array(repeating: 2, count: 300_000)), now: pair.now)
            pair.pump()
        }
        #expect(pair.responses.count == 40)
    }

    @Test func aResetCancelsTheHandlerAndItsSlotStaysUntilItEnds() throws {
        var limits = H2Limits()
        limits.handlersMax = 2
        let pair = try SessionPair(serverLimits: limits)
        let first = try pair.submit()
        _ = try pair.submit()
        pair.pump()
        pair.client.cancel(first)
        pair.pump()
        #expect(pair.cancelled == [first])
        #expect(pair.handlerCount == 2)
        let refused = try pair.submit()
        pair.pump()
        #expect(pair.failures.map(\.id) == [refused])
        #expect(pair.failures.first?.error.wasNotProcessed == true)
        #expect(pair.failures.first?.error.code == .refusedStream)
        pair.server.respond(to: first, H2Response(status: 200), now: pair.now)
        #expect(pair.handlerCount == 1)
        _ = try pair.submit()
        pair.pump()
        #expect(pair.requests.count == 3)
    }

    @Test func aHandlerWithNothingToSayResetsItsStream() throws {
        let pair = try SessionPair()
        let id = try pair.submit()
        pair.pump()
        pair.server.respond(to: id, nil, now: pair.now)
        pair.pump()
        #expect(pair.failures.map(\.error.code) == [.cancel])
        #expect(pair.failures.map(\.error.wasNotProcessed) == [false])
    }

    @Test func aResponseThatHTTP2CannotCarryIsAnInternalError() throws {
        let pair = try SessionPair()
        let id = try pair.submit()
        pair.pump()
        pair.server.respond(to: id, H2Response(status: 200, headers: [H2Header("Bad Name", "x\n")]), now: pair.now)
        pair.pump()
        #expect(pair.failures.map(\.error.code) == [.internalError])
        #expect(pair.handlerCount == 0)
    }

    @Test func aRequestThatHTTP2CannotCarryIsRefusedBeforeItIsSent() throws {
        let pair = try SessionPair()
        let request = H2Request(method: "POST", path: "/", headers: [H2Header("a", "line\nfeed")])
        let error = #expect(throws: H2Error.self) { try pair.submit(request) }
        #expect(error?.reason == .invalidRequest)
        #expect(error?.wasNotProcessed == true)
    }

    @Test func gracefulEndLetsOpenStreamsFinish() throws {
        let pair = try SessionPair()
        let id = try pair.submit()
        pair.pump()
        pair.server.submitShutdownNotice()
        pair.pump()
        #expect(pair.serverEvents.contains { if case .pingAcknowledged = $0 { true } else { false } })
        #expect(pair.clientEvents.contains { if case .goAway = $0 { true } else { false } })
        #expect(!pair.clientCanSubmit)
        pair.server.submitGoAway()
        pair.pump()
        #expect(!pair.serverWantsClose)
        pair.server.respond(to: id, H2Response(status: 200), now: pair.now)
        pair.pump()
        #expect(pair.responses.count == 1)
        #expect(pair.serverWantsClose)
        #expect(pair.clientWantsClose)
    }

    /// A request that crosses the last GOAWAY was not processed, and the client knows that.
    @Test func aStreamAboveTheGoAwayWasNotProcessed() throws {
        let pair = try SessionPair()
        let first = try pair.submit()
        pair.pump()
        pair.server.submitGoAway()
        let goAway = pair.pullServer()
        let second = try pair.submit()
        pair.feedServer(pair.pullClient())
        pair.feedClient(goAway)
        pair.pump()
        #expect(pair.failures.map(\.id) == [second])
        #expect(
            pair.failures.first?.error
                == H2Error(
                    .goingAway, code: .refusedStream, streamID: second, wasNotProcessed: true))
        #expect(pair.requests.map(\.id) == [first])
    }

    @Test(arguments: [(0, true), (1, false)])
    func clientLimitsResponses(_ excess: Int, _ isAllowed: Bool) throws {
        var limits = H2Limits.client
        limits.bodyBytesMax = 100
        let pair = try SessionPair(clientLimits: limits)
        let id = try pair.submit()
        pair.pump()
        pair.server.respond(
            to: id, H2Response(status: 200, body: Array(repeating: 1, count: 100 + excess)), now: pair.now)
        pair.pump()
        #expect((pair.responses.count == 1) == isAllowed)
        #expect((pair.failures.first?.error.reason == .bodyTooLarge) == !isAllowed)
        #expect(pair.clientStreamCount == 0)
    }

    @Test(arguments: [(98, true), (99, false)])
    func clientLimitsResponseFields(_ count: Int, _ isAllowed: Bool) throws {
        var limits = H2Limits.client
        limits.headerCountMax = 99
        let pair = try SessionPair(clientLimits: limits)
        let id = try pair.submit()
        pair.pump()
        let headers = Array(repeating: H2Header("a", "b"), count: count)
        pair.server.respond(to: id, H2Response(status: 200, headers: headers), now: pair.now)
        pair.pump()
        #expect((pair.responses.count == 1) == isAllowed)
        #expect((pair.failures.first?.error.reason == .headersTooLarge) == !isAllowed)
    }

    /// Whatever a peer sends, the session neither crashes nor keeps slots it should not.
    @Test(arguments: 1...60)
    func survivesDamagedBytes(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let source = try SessionPair()
        for index in 0..<6 { _ = try source.submit("/\(index)", body: Array(repeating: 3, count: index * 40)) }
        let sound = source.pullClient()
        for _ in 0..<40 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                // The preface stays intact: after a broken one, nothing is read.
                bytes[Int.random(in: 24..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            let pair = try SessionPair()
            while !bytes.isEmpty {
                let count = Int.random(in: 1...bytes.count, using: &random)
                pair.feedServer(bytes.prefix(count))
                bytes.removeFirst(count)
                _ = pair.pullServer()
            }
            for request in pair.requests { pair.server.respond(to: request.id, H2Response(status: 200), now: pair.now) }
            _ = pair.pullServer()
            #expect(pair.handlerCount == 0, "seed \(seed)")
            #expect(pair.requests.count <= 6, "seed \(seed)")
        }
    }
}
