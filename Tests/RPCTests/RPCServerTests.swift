import HTTP2
import JSON
import Testing

@testable import RPC

/// A server's behaviour beyond the table: time, cancellation, batches, observations.
@Suite struct RPCServerTests {
    private static let stuck = RPCMethod(name: "test.stuck", isIdempotent: true)
    private static let unsure = RPCMethod(name: "test.unsure", isIdempotent: true)
    private static let deaf = RPCMethod(name: "test.deaf", isIdempotent: true)
    private static let broken = RPCMethod(name: "test.broken", isIdempotent: true)
    private static let describe = RPCMethod(name: "test.describe", isIdempotent: true)

    /// The test router, with more methods: one that waits until it is cancelled, one that returns its context, and some
    /// that fail or are late.
    private static func router(ended: EventLog<ContinuousClock.Instant>) -> RPCRouter {
        var router = TestService.router
        router.register(stuck) { (_: TestService.Empty, _) async throws(RPCError) -> JSONValue in
            try? await Task.sleep(for: .seconds(60))
            ended.append(.now)
            throw .internal("cancelled")
        }
        router.register(unsure) { (_: TestService.Empty, _) async throws(RPCError) -> JSONValue in
            try? await Task.sleep(for: .seconds(60))
            throw .outcomeUnknown
        }
        router.register(deaf) { (_: TestService.Empty, context) async throws(RPCError) -> JSONValue in
            while ContinuousClock.now < context.deadline.advanced(by: .milliseconds(50)) { await Task.yield() }
            return "late"
        }
        router.register(broken) { (_: TestService.Empty, _) async throws(RPCError) -> JSONValue in
            throw .internal("the log says why").because("a row that does not decode")
        }
        router.register(describe) { (_: TestService.Empty, context) async throws(RPCError) -> JSONValue in
            let left = ContinuousClock.now.duration(to: context.deadline).milliseconds
            return [
                "left": .number(JSONNumber(left)), "attempt": .number(JSONNumber(context.attempt)),
                "key": context.idempotencyKey.map { .string($0) } ?? .null, "trace": .string(context.trace.traceID),
                "state": .string(context.trace.state),
            ]
        }
        return router
    }

    /// The response to `body`, sent with additional `headers` over a real socket.
    private func exchange(
        _ body: String, _ headers: [H2Header] = [], limits: RPCLimits = RPCLimits(),
        ended: EventLog<ContinuousClock.Instant> = EventLog(), log: EventLog<RPCObservation> = EventLog()
    ) async throws -> H2Response {
        let server = try await TestService.listen(
            Self.router(ended: ended), limits: limits, observe: { log.append($0) })
        let connection = try await H2ClientConnection.connect(
            host: "127.0.0.1", port: server.boundPort, group: TestService.group)
        let fixed = [
            H2Header("content-type", "application/json"), H2Header("authorization", "Bearer new-secret"),
        ]
        let request = H2Request(
            method: "POST", path: "/rpc", authority: "test", headers: fixed + headers, body: Array(body.utf8))
        let response = try await connection.send(request, deadline: .now.advanced(by: .seconds(10)))
        connection.close()
        await server.shutdown(grace: .zero)
        return response
    }

    private func value(_ response: H2Response) throws -> JSONValue {
        try decodeJSON(JSONValue.self, from: response.body)
    }

    private static func call(_ method: String, _ id: String = "1") -> String {
        #"{"jsonrpc":"2.0","method":"\#(method)","params":{},"id":\#(id)}"#
    }

    @Test func theDeadlineCancelsTheHandler() async throws {
        let ended = EventLog<ContinuousClock.Instant>()
        let startedAt = ContinuousClock.now
        let response = try await exchange(
            Self.call("test.stuck"), [H2Header("rpc-timeout-ms", "300")], ended: ended)
        let took = startedAt.duration(to: .now)
        #expect(try value(response)["error"]["code"].int == RPCError.Code.deadlineExceeded)
        #expect(ended.values.count == 1)
        // How soon depends on the machine's load; that it ends at all is bounded by the client's own deadline of 10 s.
        #expect(took >= .milliseconds(300))
    }

    /// If a handler does not know whether its change took effect, that matters more than why it was cancelled.
    @Test func anOutcomeThatIsUnknownIsToldAsSuch() async throws {
        let response = try await exchange(Self.call("test.unsure"), [H2Header("rpc-timeout-ms", "200")])
        #expect(try value(response)["error"]["code"].int == RPCError.Code.outcomeUnknown)
    }

    @Test func withoutATimeoutTheServersOwnHolds() async throws {
        var limits = RPCLimits()
        limits.timeoutDefault = .milliseconds(50)
        let response = try await exchange(Self.call("test.stuck"), limits: limits)
        #expect(try value(response)["error"]["code"].int == RPCError.Code.deadlineExceeded)
    }

    @Test func aTimeoutIsCapped() async throws {
        var limits = RPCLimits()
        limits.timeoutMax = .seconds(7)
        let response = try await exchange(
            Self.call("test.describe"), [H2Header("rpc-timeout-ms", "9999999999")], limits: limits)
        #expect((1...7_000).contains(try value(response)["result"]["left"].int ?? 0))
    }

    /// A change that was made is not denied because its answer is late.
    @Test func aResultThatComesLateIsStillAResult() async throws {
        let response = try await exchange(Self.call("test.deaf"), [H2Header("rpc-timeout-ms", "30")])
        #expect(try value(response)["result"].string == "late")
    }

    @Test func oneStuckMemberDoesNotVoidTheOthersOfABatch() async throws {
        let body = "[\(Self.call("test.nothing", "1")),\(Self.call("test.stuck", "2")),\(Self.call("test.fail", "3"))]"
        let response = try await exchange(body, [H2Header("rpc-timeout-ms", "500")])
        let answers = try value(response).array
        #expect(answers.map { $0["id"].int } == [1, 2, 3])
        #expect(answers.map { $0["error"]["code"].int } == [nil, RPCError.Code.deadlineExceeded, 1_999])
    }

    @Test func aBatchRunsAFewMembersAtATime() async throws {
        var limits = RPCLimits()
        limits.batchConcurrencyMax = 2
        let ended = EventLog<ContinuousClock.Instant>()
        let body = "[" + (1...6).map { Self.call("test.stuck", "\($0)") }.joined(separator: ",") + "]"
        let response = try await exchange(body, [H2Header("rpc-timeout-ms", "300")], limits: limits, ended: ended)
        #expect(try value(response).array.map { $0["error"]["code"].int } == Array(repeating: 1_002, count: 6))
        // The members after the first two found their time up and never started.
        #expect(ended.values.count == 2)
    }

    @Test func metadataReachesTheHandler() async throws {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let response = try await exchange(
            Self.call("test.describe"),
            [
                H2Header("traceparent", "00-\(trace)-00f067aa0ba902b7-01"), H2Header("tracestate", "a=1"),
                H2Header("tracestate", "b=2"), H2Header("rpc-attempt", "2"), H2Header("idempotency-key", "key-1"),
                H2Header("rpc-timeout-ms", "2000"),
            ])
        let result = try value(response)["result"]
        #expect(result["trace"].string == trace)
        #expect(result["state"].string == "a=1,b=2")
        #expect(result["attempt"].int == 2)
        #expect(result["key"].string == "key-1")
        #expect((1...2_000).contains(result["left"].int ?? 0))
    }

    @Test func twoTracesAreNone() async throws {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let header = H2Header("traceparent", "00-\(trace)-00f067aa0ba902b7-01")
        let response = try await exchange(Self.call("test.describe"), [header, header])
        #expect(try value(response)["result"]["trace"].string != trace)
    }

    @Test func everyCallIsTold() async throws {
        let log = EventLog<RPCObservation>()
        let body = """
            [\(Self.call("test.nothing")),\(Self.call("test.fail")),\(Self.call("test.unknown")),
            {"jsonrpc":"2.0","method":"test.nothing"}]
            """
        _ = try await exchange(body, log: log)
        var records: [RPCRecord] = []
        for case .served(let record) in log.values { records.append(record) }
        #expect(
            Set(records.map { "\($0.method?.name ?? "-") \($0.code ?? 0) \($0.isNotification)" }) == [
                "test.nothing 0 false", "test.fail 1999 false", "- -32601 false", "test.nothing 0 true",
            ])
        #expect(records.allSatisfy { $0.requestBytes == body.utf8.count && $0.duration > .zero })
        #expect(records.count { $0.responseBytes > 0 } == 3)
    }

    @Test func theCauseOfAFailureIsToldToTheLogAndNotToTheCaller() async throws {
        let log = EventLog<RPCObservation>()
        let response = try await exchange(Self.call("test.broken"), log: log)
        #expect(try value(response)["error"]["message"].string == "the log says why")
        #expect(!String(decoding: response.body, as: UTF8.self).contains("decode"))
        var causes: [String?] = []
        for case .served(let record) in log.values { causes.append(record.cause) }
        #expect(causes == ["a row that does not decode"])
    }

    /// A body over the limit is refused by the transport before it has arrived.
    @Test func aBodyOverTheLimitIs413() async throws {
        let body = String(repeating: " ", count: 1_048_577)
        #expect(try await exchange(body).status == 413)
    }
}
