import HTTP2
import JSON
import Synchronization
import Testing

@testable import RPC

/// The client over real sockets: deadlines, cancellation, balancing, re-resolution, drains, retries, faulty peers.
@Suite struct RPCClientTests {
    private static let who = RPCMethod(name: "test.who", isIdempotent: true)
    private static let change = RPCMethod(name: "test.change", isIdempotent: false)
    private static let stuck = RPCMethod(name: "test.stuck", isIdempotent: true)
    private static let relay = RPCMethod(name: "test.relay", isIdempotent: true)

    /// A service that answers with `name` and counts its calls.
    private static func named(_ name: String, _ calls: EventLog<String>) -> RPCRouter {
        var router = TestService.router
        router.register(who) { (_: TestService.Empty, _) async throws(RPCError) -> String in
            calls.append(name)
            return name
        }
        return router
    }

    private static func failing(_ calls: EventLog<Int>) -> RPCRouter {
        var router = RPCRouter()
        for method in [who, change] {
            router.register(method) { (_: TestService.Empty, context) async throws(RPCError) -> String in
                calls.append(context.attempt)
                throw .unavailable("down")
            }
        }
        return router
    }

    private static func sleeping(started: Signal, ended: Signal) -> RPCRouter {
        var router = RPCRouter()
        router.register(stuck) { (_: TestService.Empty, _) async throws(RPCError) -> String in
            started.fire()
            try? await Task.sleep(for: .seconds(60))
            ended.fire()
            throw .cancelled
        }
        return router
    }

    private static func relaying(to client: RPCClient, ended: Signal) -> RPCRouter {
        var router = RPCRouter()
        router.register(relay) { (params: TestService.Empty, context) async throws(RPCError) -> String in
            defer { ended.fire() }
            return try await client.call(stuck, params, context.outgoing())
        }
        return router
    }

    private static func ask(_ client: RPCClient, _ timeout: Duration = .seconds(10)) async throws(RPCError) -> String {
        try await client.call(who, TestService.Empty(), .within(timeout))
    }

    private static func ask(_ client: RPCClient, times: Int) async throws {
        for _ in 0..<times { _ = try await ask(client) }
    }

    /// The code with which the call fails; nil if it succeeds.
    private static func code(_ body: () async throws -> String) async -> Int? {
        do {
            _ = try await body()
            return nil
        } catch { return (error as? RPCError)?.code ?? 0 }
    }

    @Test func callsAndErrorsArrive() async throws {
        let server = try await TestService.listen(TestService.router)
        let test = TestClient([server.boundPort])
        try await test.running { client in
            let echo: JSONValue = ["a": [1, 2.5, "ü"], "b": nil]
            let result: JSONValue = try await client.call(
                TestService.echo, TestService.EchoParams(echo), .within(.seconds(10)))
            #expect(result == echo)
            do throws(RPCError) {
                let _: JSONValue = try await client.call(TestService.fail, TestService.Empty(), .within(.seconds(10)))
                Issue.record("no error")
            } catch {
                #expect(error.code == 1_999)
                #expect(error.message == #"It failed "on purpose"."#)
                #expect(error.data?.description == #"{"field":"value"}"#)
            }
            let _: HealthAnswer = try await client.call(
                HealthReport.method, TestService.Empty(), .within(.seconds(10)))
        }
        await server.shutdown(grace: .zero)
    }

    private struct HealthAnswer: JSONDecodable {
        init(from reader: inout JSONReader) throws(JSONError) {
            let value = try JSONValue(from: &reader)
            #expect(value["status"].string == "not_serving")
        }
    }

    @Test func aWrongSecretIsRefusedAndNotRetried() async throws {
        let log = EventLog<RPCObservation>()
        let server = try await TestService.listen(TestService.router, observe: { log.append($0) })
        for secrets in [ServiceSecrets(["wrong"]), nil] {
            let test = TestClient([server.boundPort], secrets: secrets)
            let code = try await test.running { client in await Self.code { try await Self.ask(client) } }
            #expect(code == RPCError.Code.unauthenticated)
        }
        #expect(log.values.count == 2)
        await server.shutdown(grace: .zero)
    }

    /// FaultTests measures how soon, with separate processes; here, it is the deadline that ends both hops, rather than
    /// the minute that the last one sleeps.
    @Test func aDeadlineEndsBothHops() async throws {
        let (started, last, middle) = (Signal(), Signal(), Signal())
        let backend = try await TestService.listen(Self.sleeping(started: started, ended: last))
        let inner = TestClient([backend.boundPort])
        try await inner.running { innerClient in
            let relay = try await TestService.listen(Self.relaying(to: innerClient, ended: middle))
            let outer = TestClient([relay.boundPort])
            try await outer.running { client in
                try await outer.untilReady(1)
                try await inner.untilReady(1)
                let startedAt = ContinuousClock.now
                let code = await Self.code {
                    try await client.call(Self.relay, TestService.Empty(), .within(.seconds(2)))
                }
                #expect(code == RPCError.Code.deadlineExceeded)
                #expect(startedAt.duration(to: .now) >= .milliseconds(1_990))
                try await middle.wait()
                try await last.wait()
                #expect(startedAt.duration(to: .now) < .seconds(30))
            }
            await relay.shutdown(grace: .zero)
        }
        await backend.shutdown(grace: .zero)
    }

    /// A change that may have been made is not reported as one that can safely be sent again.
    @Test func aChangeThatRanOutOfTimeMayHaveBeenMade() async throws {
        let (started, ended) = (Signal(), Signal())
        var router = RPCRouter()
        router.register(Self.change) { (_: TestService.Empty, _) async throws(RPCError) -> String in
            started.fire()
            try? await Task.sleep(for: .seconds(60))
            ended.fire()
            return "made"
        }
        let server = try await TestService.listen(router)
        let test = TestClient([server.boundPort])
        try await test.running { client in
            try await test.untilReady(1)
            let code = await Self.code {
                try await client.call(Self.change, TestService.Empty(), .within(.seconds(1)))
            }
            #expect(code == RPCError.Code.outcomeUnknown)
            try await started.wait()
            try await ended.wait()
        }
        await server.shutdown(grace: .zero)
    }

    @Test func givingUpEndsBothHops() async throws {
        let (started, last, middle) = (Signal(), Signal(), Signal())
        let backend = try await TestService.listen(Self.sleeping(started: started, ended: last))
        let inner = TestClient([backend.boundPort])
        try await inner.running { innerClient in
            let relay = try await TestService.listen(Self.relaying(to: innerClient, ended: middle))
            let outer = TestClient([relay.boundPort])
            try await outer.running { client in
                let call = Task {
                    await Self.code {
                        try await client.call(Self.relay, TestService.Empty(), .within(.seconds(60)))
                    }
                }
                try await started.wait()
                call.cancel()
                #expect(await call.value == RPCError.Code.cancelled)
                try await middle.wait()
                try await last.wait()
            }
            await relay.shutdown(grace: .zero)
        }
        await backend.shutdown(grace: .zero)
    }

    @Test func aServiceThatFailsIsRetriedWithinTheBudgetOnly() async throws {
        let calls = EventLog<Int>()
        let server = try await TestService.listen(Self.failing(calls))
        let test = TestClient([server.boundPort]) { limits in limits.retryBackoffInitial = .microseconds(100) }
        try await test.running { client in
            for _ in 0..<200 {
                let code = await Self.code { try await Self.ask(client) }
                #expect(code == RPCError.Code.unavailable)
            }
        }
        #expect(calls.values.count > 200)
        #expect(calls.values.count <= 220 + 10)
        #expect(Set(calls.values) == [0, 1, 2])
        await server.shutdown(grace: .zero)
    }

    /// The test above without its safeguard.
    @Test func withoutABudgetAServiceThatFailsIsBuried() async throws {
        let calls = EventLog<Int>()
        let server = try await TestService.listen(Self.failing(calls))
        let test = TestClient([server.boundPort]) { limits in
            limits.retryBackoffInitial = .microseconds(100)
            limits.retryPercentMax = 1_000
            limits.retryBurstMax = 1_000
        }
        try await test.running { client in
            for _ in 0..<100 { _ = await Self.code { try await Self.ask(client) } }
        }
        #expect(calls.values.count > 120)
        print("mutant no retry budget: caught, \(calls.values.count) attempts for 100 calls")
        await server.shutdown(grace: .zero)
    }

    @Test func aChangeAndASecondLayerAreNotRetried() async throws {
        let calls = EventLog<Int>()
        let server = try await TestService.listen(Self.failing(calls))
        try await TestClient([server.boundPort]).running { client in
            let changed = await Self.code {
                try await client.call(Self.change, TestService.Empty(), .within(.seconds(10)))
            }
            let below = await Self.code {
                let call = RPCCall(deadline: .now.advanced(by: .seconds(10)), attempt: 1)
                return try await client.call(Self.who, TestService.Empty(), call)
            }
            #expect([changed, below] == [RPCError.Code.unavailable, RPCError.Code.unavailable])
        }
        #expect(calls.values == [0, 1])
        await server.shutdown(grace: .zero)
    }

    @Test func threeServersShareAndOneMayDie() async throws {
        let calls = EventLog<String>()
        let victim = try await TestService.listen(Self.named("a", calls))
        let second = try await TestService.listen(Self.named("b", calls))
        let third = try await TestService.listen(Self.named("c", calls))
        let test = TestClient([victim.boundPort, second.boundPort, third.boundPort])
        try await test.running { client in
            try await test.untilReady(3)
            try await Self.ask(client, times: 300)
            for name in ["a", "b", "c"] { #expect(calls.values.count { $0 == name } > 50) }
            // An abrupt end in the middle of traffic: the calls are idempotent, so none may fail.
            let traffic = Task { try await Self.ask(client, times: 300) }
            await victim.shutdown(grace: .zero)
            try await traffic.value
            let before = calls.values.count { $0 == "a" }
            try await Self.ask(client, times: 50)
            #expect(calls.values.count { $0 == "a" } == before)
        }
        await second.shutdown(grace: .zero)
        await third.shutdown(grace: .zero)
    }

    @Test func aNewAddressTakesItsShareAndAVanishedOneLosesIt() async throws {
        let calls = EventLog<String>()
        let first = try await TestService.listen(Self.named("first", calls))
        let second = try await TestService.listen(Self.named("second", calls))
        let test = TestClient([first.boundPort])
        try await test.running { client in
            #expect(try await Self.ask(client) == "first")
            test.addresses.ports = [first.boundPort, second.boundPort]
            try await test.untilReady(2)
            try await Self.ask(client, times: 100)
            #expect(calls.values.count { $0 == "second" } >= 20)
            test.addresses.ports = [second.boundPort]
            try await test.log.wait { _ in client.snapshot.links.count == 1 }
            #expect(try await Self.ask(client) == "second")
        }
        await first.shutdown(grace: .zero)
        await second.shutdown(grace: .zero)
    }

    /// Rolling restarts under traffic of non-repeatable calls: none fails, none runs twice.
    @Test func noCallFailsWhileServersDrain() async throws {
        let calls = EventLog<Int>()
        var router = RPCRouter()
        router.register(Self.change) { (params: TestService.EchoParams, _) async throws(RPCError) -> JSONBytes in
            calls.append(Int(params.value.description) ?? -1)
            return params.value
        }
        let (one, two) = (try await TestService.listen(router), try await TestService.listen(router))
        let ports = [one.boundPort, two.boundPort]
        let test = TestClient(ports)
        try await test.running { [router] client in
            try await test.untilReady(2)
            let isOver = Signal()
            let traffic = Task {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for lane in 0..<8 {
                        group.addTask {
                            var number = lane * 1_000_000
                            while !isOver.hasFired {
                                let _: Int = try await client.call(
                                    Self.change, TestService.EchoParams(number), .within(.seconds(10)))
                                number += 1
                            }
                            return number - lane * 1_000_000
                        }
                    }
                    var count = 0
                    for try await more in group { count += more }
                    return count
                }
            }
            var servers = [one, two]
            for round in 0..<6 {
                let index = round % 2
                await servers[index].shutdown(grace: .seconds(5))
                servers[index] = try await TestService.listen(router, port: ports[index])
                try await test.untilReady(2)
                let before = calls.values.count
                try await calls.wait { $0.count > before + 100 }
            }
            isOver.fire()
            let count = try await traffic.value
            #expect(count == calls.values.count)
            #expect(Set(calls.values).count == calls.values.count)
            for server in servers { await server.shutdown(grace: .zero) }
        }
    }

    @Test func callsWaitForAConnectionWithinTheirTimeAndNumber() async throws {
        let test = TestClient([]) { limits in limits.waitersMax = 3 }
        let calls = EventLog<String>()
        let server = try await TestService.listen(Self.named("late", calls))
        try await test.running { client in
            #expect(await Self.code { try await Self.ask(client, .milliseconds(50)) } == RPCError.Code.unavailable)
            let waiting = (0..<3).map { _ in Task { try await Self.ask(client) } }
            try await Self.untilWaiting(client, 3)
            #expect(await Self.code { try await Self.ask(client) } == RPCError.Code.overloaded)
            waiting[0].cancel()
            await #expect(throws: RPCError.cancelled) { try await waiting[0].value }
            #expect(client.snapshot.waiterCount == 2)
            test.addresses.ports = [server.boundPort]
            #expect(try await waiting[1].value == "late")
            #expect(try await waiting[2].value == "late")
        }
        await server.shutdown(grace: .zero)
    }

    private static func untilWaiting(_ client: RPCClient, _ count: Int) async throws {
        let limit = ContinuousClock.now.advanced(by: .seconds(10))
        while client.snapshot.waiterCount != count {
            try #require(ContinuousClock.now < limit)
            await Task.yield()
        }
    }

    @Test func aStoppedClientFailsWaitingAndLaterCalls() async throws {
        let test = TestClient([])
        let waiting = try await test.running { client in
            let waiting = Task { try await Self.ask(client, .seconds(60)) }
            try await Self.untilWaiting(client, 1)
            return waiting
        }
        await #expect(throws: RPCError.self) { try await waiting.value }
        #expect(await Self.code { try await Self.ask(test.client) } == RPCError.Code.unavailable)
    }

    /// A server that allows fewer streams than there are calls: all finish, none is lost.
    @Test func manyCallsShareFewStreams() async throws {
        var h2Limits = H2Limits()
        h2Limits.streamsMax = 10
        let calls = EventLog<String>()
        let server = try await TestService.listen(Self.named("narrow", calls), h2Limits: h2Limits)
        try await TestClient([server.boundPort]).running { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<500 { group.addTask { _ = try await Self.ask(client) } }
                try await group.waitForAll()
            }
        }
        #expect(calls.values.count == 500)
        await server.shutdown(grace: .zero)
    }

    private static let faults: [(answer: String, status: Int, type: String, fault: ResponseFault)] = [
        (#"{"jsonrpc":"2.0","id":-1,"result":"x"}"#, 200, "application/json", .wrongID),
        (#"{"jsonrpc":"2.0","result":"x"}"#, 200, "application/json", .missingID),
        (#"{"jsonrpc":"2.0","id":ID,"result":"x","error":{"code":1,"message":"m"}}"#, 200, "application/json", .both),
        (#"{"jsonrpc":"2.0","id":ID}"#, 200, "application/json", .neither),
        (#"{"jsonrpc":"1.0","id":ID,"result":"x"}"#, 200, "application/json", .version),
        (#"{"jsonrpc":"2.0","id":ID,"result":5}"#, 200, "application/json", .malformedResult),
        (#"{"jsonrpc":"2.0","id":ID,"error":{}}"#, 200, "application/json", .malformedError),
        (#"[{"jsonrpc":"2.0","id":ID,"result":"x"}]"#, 200, "application/json", .notJSON),
        ("<html>", 200, "application/json", .notJSON),
        (#"{"jsonrpc":"2.0","id":ID,"result":"x"}"#, 200, "text/html", .contentType),
        ("", 500, "application/json", .status(500)),
        ("", 204, "application/json", .status(204)),
    ]

    /// A peer that answers incorrectly costs the call, not the connection.
    @Test func aFaultyAnswerIsNamedAndTheConnectionKept() async throws {
        let next = EventLog<(answer: String, status: Int, type: String, fault: ResponseFault)>()
        let server = try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: 0)], group: TestService.group
        ) { request in
            let id = (try? decodeJSON(JSONValue.self, from: request.body))?["id"].int ?? 0
            guard let fault = next.values.last else { return H2Response(status: 404) }
            let body = fault.answer.replacing("ID", with: "\(id)")
            return H2Response(
                status: fault.status, headers: [H2Header("content-type", fault.type)], body: Array(body.utf8))
        }
        let test = TestClient([server.boundPort])
        try await test.running { client in
            for fault in Self.faults {
                next.append(fault)
                let code = await Self.code { try await Self.ask(client) }
                #expect(code == RPCError.Code.internal, "\(fault)")
            }
            next.append((#"{"jsonrpc":"2.0","id":ID,"result":"good"}"#, 200, "application/json", .both))
            let good = try await Self.ask(client)
            #expect(good == "good")
        }
        var seen: [ResponseFault] = []
        var readyCount = 0
        for observation in test.log.values {
            if case .malformedResponse(_, let fault) = observation { seen.append(fault) }
            if case .connection(_, _, .ready) = observation { readyCount += 1 }
        }
        #expect(seen == Self.faults.map(\.fault))
        #expect(readyCount == 1)
        await server.shutdown(grace: .zero)
    }
}
