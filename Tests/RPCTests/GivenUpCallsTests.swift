import HTTP2
import Synchronization
import Testing

@testable import RPC

/// All calls between two copies share one connection, and each call that is given up resets its stream. Two hundred of
/// them once looked like a flood to the server, which then refused further calls and new connections for a second.
@Suite struct GivenUpCallsTests {
    private static let stuck = RPCMethod(name: "test.stuck", isIdempotent: false)
    private static let long = RPCMethod(name: "test.long", isIdempotent: false)

    private static func router(_ begun: EventLog<Int>, _ end: Signal) -> RPCRouter {
        var router = RPCRouter()
        router.register(stuck) { (_: TestService.Empty, _) async throws(RPCError) -> String in
            begun.append(1)
            try? await Task.sleep(for: .seconds(60))
            throw .cancelled
        }
        router.register(long) { (_: TestService.Empty, _) async throws(RPCError) -> String in
            begun.append(0)
            try? await end.wait()
            return "whole"
        }
        return router
    }

    @Test func manyThatAreGivenUpLeaveALongOneAlone() async throws {
        let (begun, end) = (EventLog<Int>(), Signal())
        let server = try await TestService.listen(Self.router(begun, end), h2Limits: .peers)
        let test = TestClient([server.boundPort])
        try await test.running { client in
            let long = Task { () async throws -> String in
                try await client.call(Self.long, TestService.Empty(), .within(.seconds(60)))
            }
            try await begun.wait { $0.count == 1 }
            for round in 1...15 {
                let calls = (0..<20).map { _ in
                    Task { () async -> Int? in
                        do {
                            let answer: String = try await client.call(
                                Self.stuck, TestService.Empty(), .within(.seconds(60)))
                            return answer.count
                        } catch { return (error as? RPCError)?.code }
                    }
                }
                try await begun.wait { $0.count == 1 + round * 20 }
                for call in calls { call.cancel() }
                for call in calls { #expect(await call.value == RPCError.Code.cancelled) }
            }
            end.fire()
            #expect(try await long.value == "whole")
        }
        let readyCount = test.log.values.count { if case .connection(_, _, .ready) = $0 { true } else { false } }
        #expect(readyCount == 1)
        await server.shutdown(grace: .zero)
    }

    /// Between services too, everything has a limit.
    @Test func aFloodFromAPeerEndsItsConnection() async throws {
        var limits = H2Limits.peers
        #expect(limits.resetRate.burst > limits.handlersMax && limits.ownResetRate.burst > limits.handlersMax)
        limits.resetRate = H2Rate(burst: 30, perSecond: 0)
        let (begun, end) = (EventLog<Int>(), Signal())
        let server = try await TestService.listen(Self.router(begun, end), h2Limits: limits)
        let test = TestClient([server.boundPort])
        try await test.running { client in
            for round in 1...2 {
                let calls = (0..<20).map { _ in
                    Task { try? await client.call(Self.stuck, TestService.Empty(), .within(.seconds(60))) as String }
                }
                try await begun.wait { $0.count == round * 20 }
                for call in calls { call.cancel() }
            }
            // The address is accepted again at once.
            try await test.log.wait { values in
                values.count { if case .connection(_, _, .ready) = $0 { true } else { false } } == 2
            }
        }
        end.fire()
        await server.shutdown(grace: .zero)
    }
}
