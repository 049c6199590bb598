import HTTP2
import NIOCore
import Synchronization
import Testing

@Suite struct H2ClientConnectionTests {
    @Test func aDeadlineEndsTheCallAndCancelsTheHandler() async throws {
        let test = try await TestServer.start()
        let client = try await test.connect()
        // Long enough for the request to arrive on a busy machine.
        let error = await #expect(throws: H2Error.self) {
            try await client.send(.post("/hang"), deadline: .now + .seconds(1))
        }
        #expect(error?.reason == .deadlineExceeded)
        #expect(error?.wasNotProcessed == false)
        await test.handlers.wait { $0.ended == 1 }
        #expect(test.handlers.counts.cancelled == 1)
        // The connection stays usable.
        #expect(try await client.send(.post("/"), deadline: .far).status == 200)
        client.close()
        await test.stop()
    }

    @Test func cancellingTheTaskCancelsTheHandler() async throws {
        let test = try await TestServer.start()
        let client = try await test.connect()
        let call = Task { try await client.send(.post("/hang"), deadline: .far) }
        await test.handlers.wait { $0.started == 1 }
        call.cancel()
        let error = await #expect(throws: H2Error.self) { try await call.value }
        #expect(error?.reason == .cancelled)
        await test.handlers.wait { $0.ended == 1 }
        #expect(test.handlers.counts.cancelled == 1)
        client.close()
        await test.stop()
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        let test = try await TestServer.start()
        let client = try await test.connect()
        let call = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await client.send(.post("/"), deadline: .far)
        }
        let error = await #expect(throws: H2Error.self) { try await call.value }
        #expect(error?.reason == .cancelled)
        #expect(error?.wasNotProcessed == true)
        #expect(test.handlers.counts.started == 0)
        client.close()
        await test.stop()
    }

    /// With two streams and a queue of two, one more call is rejected; those in the queue run later.
    @Test func callsBeyondThePeersStreamsWaitInABoundedQueue() async throws {
        let test = try await TestServer.start { $0.streamsMax = 2 }
        let client = try await test.connect { $0.queuedCallsMax = 2 }
        let first = Task { try await client.send(.post("/hang"), deadline: .far) }
        let second = Task { try await client.send(.post("/hang"), deadline: .far) }
        await test.handlers.wait { $0.started == 2 }
        let third = Task { try await client.send(.post("/3"), deadline: .far) }
        while client.inFlightCount < 3 { await Task.yield() }
        let waited = await #expect(throws: H2Error.self) {
            try await client.send(.post("/late"), deadline: .now + .milliseconds(50))
        }
        #expect(waited?.reason == .deadlineExceeded)
        #expect(waited?.wasNotProcessed == true)
        let fourth = Task { try await client.send(.post("/4"), deadline: .far) }
        while client.inFlightCount < 4 { await Task.yield() }
        let refused = await #expect(throws: H2Error.self) { try await client.send(.post("/full"), deadline: .far) }
        #expect(refused?.reason == .queueFull)
        #expect(refused?.wasNotProcessed == true)
        #expect(test.handlers.counts.started == 2)
        test.handlers.releaseAll()
        for call in [first, second, third, fourth] { #expect(try await call.value.status == 200) }
        client.close()
        await test.stop()
    }

    @Test func nobodyListensAtTheAddress() async throws {
        let test = try await TestServer.start()
        await test.stop()
        let error = await #expect(throws: H2Error.self) { _ = try await test.connect() }
        guard case .connectFailed = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.wasNotProcessed == true)
    }

    @Test func aPeerThatSaysNothingIsNoConnection() async throws {
        let peer = try await SilentPeer.start(greeting: [])
        let error = await #expect(throws: H2Error.self) {
            _ = try await connect(to: peer) { $0.connectTimeout = .milliseconds(100) }
        }
        #expect(error?.reason == .connectTimedOut)
        try await peer.close()
    }

    @Test func aPeerThatStopsAnsweringIsFoundByKeepalive() async throws {
        let peer = try await SilentPeer.start(greeting: Raw.settings() + Raw.settingsAck)
        let client = try await connect(to: peer) {
            $0.keepaliveInterval = .milliseconds(50)
            $0.keepaliveTimeout = .milliseconds(100)
        }
        let error = await #expect(throws: H2Error.self) { try await client.send(.post("/"), deadline: .far) }
        #expect(error?.reason == .keepaliveTimedOut)
        await client.waitUntilClosed()
        #expect(client.isClosed)
        let late = await #expect(throws: H2Error.self) { try await client.send(.post("/"), deadline: .far) }
        #expect(late?.wasNotProcessed == true)
        try await peer.close()
    }

    @Test func drainingFinishesWhatIsInFlightAndTellsItsOwner() async throws {
        let changes = Mutex<[H2ClientConnection.Change]>([])
        let test = try await TestServer.start()
        let client = try await test.connect(onChange: { change in changes.withLock { $0.append(change) } })
        let call = Task { try await client.send(.post("/hang"), deadline: .far) }
        await test.handlers.wait { $0.started == 1 }
        client.drain()
        while !client.isDraining { await Task.yield() }
        let late = await #expect(throws: H2Error.self) { try await client.send(.post("/"), deadline: .far) }
        #expect(late?.reason == .goingAway)
        test.handlers.releaseAll()
        #expect(try await call.value.status == 200)
        await client.waitUntilClosed()
        #expect(changes.withLock { $0 } == [.draining, .closed(nil)])
        await test.stop()
    }

    @Test func closingFailsWhatIsInFlight() async throws {
        let test = try await TestServer.start()
        let client = try await test.connect()
        let call = Task { try await client.send(.post("/hang"), deadline: .far) }
        await test.handlers.wait { $0.started == 1 }
        client.close()
        let error = await #expect(throws: H2Error.self) { try await call.value }
        #expect(error?.reason == .connectionClosed)
        #expect(error?.wasNotProcessed == false)
        await test.stop()
    }

    @Test func anIdleConnectionOfTheServerDrainsTheClient() async throws {
        let test = try await TestServer.start { $0.idleTimeout = .milliseconds(60) }
        let client = try await test.connect()
        await client.waitUntilClosed()
        #expect(client.isClosed)
        await test.stop()
    }

    private func connect(
        to peer: any Channel, _ change: (inout H2Limits) -> Void
    ) async throws -> H2ClientConnection {
        var limits = H2Limits.client
        limits.sweepInterval = .milliseconds(20)
        change(&limits)
        return try await H2ClientConnection.connect(
            host: "127.0.0.1", port: try #require(peer.localAddress?.port), limits: limits, group: TestServer.group)
    }
}
