import HTTP2
import NIOCore
import NIOPosix
import Testing

@Suite struct H2ServerTests {
    @Test func answersManyCallsAtOnce() async throws {
        let test = try await TestServer.start()
        let client = try await test.connect()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<500 {
                group.addTask {
                    let body = Array("\(index)".utf8)
                    let response = try await client.send(.post("/\(index)", body: body), deadline: .far)
                    return response.status == 200 && response.body == body && response.headers["x-path"] == "/\(index)"
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(client.inFlightCount == 0)
        #expect(test.handlers.counts == TestHandlers.Counts(started: 500, ended: 500, cancelled: 0))
        client.close()
        await client.waitUntilClosed()
        await test.stop()
    }

    /// A handler resumes on the loop of its connection, whatever it awaited.
    @Test func handlersRunOnTheLoop() async throws {
        let server = try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: 0)], group: TestServer.group
        ) { _ in
            let before = MultiThreadedEventLoopGroup.currentEventLoop
            await Task.yield()
            let after = MultiThreadedEventLoopGroup.currentEventLoop
            return H2Response(status: before != nil && before === after ? 200 : 500)
        }
        let client = try await H2ClientConnection.connect(
            host: "127.0.0.1", port: server.boundPort, group: TestServer.group)
        #expect(try await client.send(.post("/"), deadline: .far).status == 200)
        client.close()
        await server.shutdown(grace: .zero)
    }

    @Test func aLostConnectionCancelsItsHandlers() async throws {
        let test = try await TestServer.start()
        let client = try await test.connect()
        let call = Task { try await client.send(.post("/hang"), deadline: .far) }
        await test.handlers.wait { $0.started == 1 }
        client.close()
        await test.handlers.wait { $0.ended == 1 }
        #expect(test.handlers.counts.cancelled == 1)
        await #expect(throws: H2Error.self) { _ = try await call.value }
        await test.stop()
    }

    /// A connection counts until its last handler has ended; otherwise, handlers could be started without bound.
    @Test func aConnectionCountsUntilItsHandlersHaveEnded() async throws {
        let test = try await TestServer.start { $0.connectionsMax = 1 }
        let client = try await test.connect()
        let call = Task { try await client.send(.post("/stubborn"), deadline: .far) }
        await test.handlers.wait { $0.started == 1 }
        client.close()
        await client.waitUntilClosed()
        _ = try? await call.value
        await #expect(throws: H2Error.self) { _ = try await test.connect() }
        #expect(test.server.connectionCount == 1)
        #expect(test.observed.all.contains(.connectionRefused(remoteAddress: "127.0.0.1", .tooMany)))
        await test.stop()
        #expect(test.server.connectionCount == 0)
    }

    @Test func limitsConnectionsOfOneAddress() async throws {
        let test = try await TestServer.start { $0.connectionsPerAddressMax = 3 }
        var clients: [H2ClientConnection] = []
        for _ in 0..<3 { clients.append(try await test.connect()) }
        await #expect(throws: H2Error.self) { _ = try await test.connect() }
        #expect(test.observed.all.contains(.connectionRefused(remoteAddress: "127.0.0.1", .tooManyFromAddress)))
        for client in clients { client.close() }
        await test.stop()
    }

    @Test func gracefulStopLetsCallsFinish() async throws {
        let test = try await TestServer.start()
        let client = try await test.connect()
        let call = Task { try await client.send(.post("/hang"), deadline: .far) }
        await test.handlers.wait { $0.started == 1 }
        async let stop: Void = test.server.shutdown(grace: .seconds(10))
        while !client.isDraining { await Task.yield() }
        let late = await #expect(throws: H2Error.self) { try await client.send(.post("/late"), deadline: .far) }
        #expect(late?.wasNotProcessed == true)
        test.handlers.releaseAll()
        #expect(try await call.value.status == 200)
        await stop
        #expect(test.server.connectionCount == 0)
        #expect(test.handlers.counts == TestHandlers.Counts(started: 1, ended: 1, cancelled: 0))
        await #expect(throws: H2Error.self) { _ = try await test.connect() }
    }

    @Test func theEndOfTheGraceCancelsHandlers() async throws {
        let test = try await TestServer.start()
        let client = try await test.connect()
        let call = Task { try await client.send(.post("/hang"), deadline: .far) }
        await test.handlers.wait { $0.started == 1 }
        await test.server.shutdown(grace: .milliseconds(50))
        await #expect(throws: H2Error.self) { _ = try await call.value }
        #expect(test.handlers.counts.cancelled == 1)
        #expect(test.server.connectionCount == 0)
    }

    @Test func listensOnSeveralAddresses() async throws {
        let server = try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: 0), H2Address(host: "127.0.0.2", port: 0)], group: TestServer.group
        ) { request in H2Response(status: 200, body: Array(request.remoteAddress.utf8)) }
        for (host, port) in zip(["127.0.0.1", "127.0.0.2"], server.boundPorts) {
            let client = try await H2ClientConnection.connect(host: host, port: port, group: TestServer.group)
            let response = try await client.send(.post("/"), deadline: .far)
            #expect(String(decoding: response.body, as: UTF8.self).hasPrefix("127.0.0."))
            client.close()
        }
        await server.shutdown(grace: .zero)
    }

    @Test func aTakenPortIsAnError() async throws {
        let test = try await TestServer.start()
        let error = await #expect(throws: H2Error.self) {
            _ = try await H2Server.start(
                on: [H2Address(host: "127.0.0.1", port: test.server.boundPort)], group: TestServer.group
            ) { _ in H2Response(status: 200) }
        }
        guard case .connectFailed = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
        await test.stop()
    }
}
