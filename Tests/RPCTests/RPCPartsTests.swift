import HTTP2
import JSON
import Testing

@testable import RPC

@Suite struct RPCPartsTests {
    @Test func secretsAcceptOnlyTheirOwn() throws {
        let secrets = try #require(ServiceSecrets(["new", "old"]))
        #expect(secrets.header == "Bearer new")
        for header in ["Bearer new", "bearer old", "BEARER new"] { #expect(secrets.accept(header), "\(header)") }
        for header in [
            "", "Bearer", "Bearer ", "Bearer ne", "Bearer newer", "Bearer  new", "Basic new", "new", "Bearer New",
        ] {
            #expect(!secrets.accept(header), "\(header)")
        }
        #expect(!secrets.accept(nil))
        #expect(!"\(secrets)".contains("new"))
        #expect(ServiceSecrets([]) == nil)
        #expect(ServiceSecrets(["a", ""]) == nil)
    }

    @Test func targets() {
        #expect(RPCTarget("ratings:7102")?.description == "ratings:7102")
        #expect(RPCTarget("[::1]:7102")?.host == "::1")
        for text in ["", "ratings", ":7102", "ratings:", "ratings:0", "ratings:65536", "::1:7102", "[::1]"] {
            #expect(RPCTarget(text) == nil, "\(text)")
        }
    }

    @Test func theSystemResolvesEveryAddressOnce() async throws {
        let target = try #require(RPCTarget("127.0.0.1:7102"))
        #expect(try await SystemResolver.resolve(target) == [H2Address(host: "127.0.0.1", port: 7_102)])
        let unknown = try #require(RPCTarget("no-such-name.invalid:1"))
        await #expect(throws: SystemResolver.Failure.self) { _ = try await SystemResolver.resolve(unknown) }
    }

    @Test func anOutgoingCallHasWhatIsLeftOfTheTime() {
        let now = ContinuousClock.now
        let context = RPCContext(
            deadline: now.advanced(by: .seconds(10)), attempt: 2, trace: .root(), idempotencyKey: "k")
        let call = context.outgoing(now: now)
        #expect(call.deadline == context.deadline)
        #expect(call.attempt == 2)
        #expect(call.trace == context.trace)
        #expect(call.idempotencyKey == nil)
        #expect(context.outgoing(timeout: .seconds(3), now: now).deadline == now.advanced(by: .seconds(3)))
        #expect(context.outgoing(timeout: .seconds(30), now: now).deadline == context.deadline)
    }

    private static let faults: [(String, ResponseReader.Outcome)] = [
        (#"{"jsonrpc":"2.0","id":7,"result":1}"#, .result(33..<34)),
        (#"{"jsonrpc":"2.0","id":7,"result":null}"#, .result(33..<37)),
        (#"{"jsonrpc":"2.0","id":8,"result":1}"#, .malformed(.wrongID)),
        (#"{"jsonrpc":"2.0","id":"7","result":1}"#, .malformed(.wrongID)),
        (#"{"jsonrpc":"2.0","id":7.0,"result":1}"#, .malformed(.wrongID)),
        (#"{"jsonrpc":"2.0","id":null,"result":1}"#, .malformed(.wrongID)),
        (#"{"jsonrpc":"2.0","result":1}"#, .malformed(.missingID)),
        (#"{"jsonrpc":"2.0","id":7,"result":1,"error":{"code":1,"message":"m"}}"#, .malformed(.both)),
        (#"{"jsonrpc":"2.0","id":7,"result":1,"error":null}"#, .malformed(.both)),
        (#"{"jsonrpc":"2.0","id":7}"#, .malformed(.neither)),
        (#"{"id":7,"result":1}"#, .malformed(.version)),
        (#"{"jsonrpc":2.0,"id":7,"result":1}"#, .malformed(.version)),
        (#"{"jsonrpc":"2.0","id":7,"error":{"code":"1","message":"m"}}"#, .malformed(.malformedError)),
        (#"{"jsonrpc":"2.0","id":7,"error":{"code":1.5,"message":"m"}}"#, .malformed(.malformedError)),
        (#"{"jsonrpc":"2.0","id":7,"error":{"code":1}}"#, .malformed(.malformedError)),
        (#"{"jsonrpc":"2.0","id":7,"error":"no"}"#, .malformed(.malformedError)),
        (#"{"jsonrpc":"2.0","id":8,"error":{"code":1,"message":"m"}}"#, .malformed(.wrongID)),
        (
            #"{"jsonrpc":"2.0","id":7,"error":{"code":1010,"message":"m"}}"#,
            .failed(RPCError(code: 1_010, message: "m"))
        ),
        (
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}"#,
            .failed(RPCError(code: -32_700, message: "m"))
        ),
        (#"[{"jsonrpc":"2.0","id":7,"result":1}]"#, .malformed(.notJSON)),
        (#"{"jsonrpc":"2.0","id":7,"id":7,"result":1}"#, .malformed(.notJSON)),
        (#"{"jsonrpc":"2.0","id":7,"result":1}x"#, .malformed(.notJSON)),
        ("", .malformed(.notJSON)),
    ]

    @Test func everyFaultOfAResponseHasItsName() {
        let reader = ResponseReader(number: 7)
        let header = H2Header("content-type", "application/json")
        for (text, outcome) in Self.faults {
            #expect(
                reader.read(H2Response(status: 200, headers: [header], body: Array(text.utf8))) == outcome, "\(text)")
        }
        #expect(reader.read(H2Response(status: 200)) == .malformed(.contentType))
        #expect(reader.value(Int.self, of: H2Response(status: 200, body: Array(Self.faults[0].0.utf8))) == nil)
        #expect(reader.read(H2Response(status: 418)) == .malformed(.status(418)))
        #expect(reader.read(H2Response(status: 401)) == .failed(.unauthenticated))
    }

    /// Reading the result in one pass must accept nothing that two passes reject.
    @Test func aResultIsReadAtOnceWhereNothingIsWrong() {
        let reader = ResponseReader(number: 7)
        let header = H2Header("content-type", "application/json")
        func nested(_ depth: Int) -> String {
            let array = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            return #"{"jsonrpc":"2.0","id":7,"result":\#(array)}"#
        }
        let more: [(String, ResponseReader.Outcome)] = [
            (#"{"result":{"a":[1,"b"]},"more":{"a":1},"id":7,"jsonrpc":"2.0"}"#, .result(10..<23)),
            (#"{"jsonrpc":"2.0","id":7,"result":{"a":1,"a":2}}"#, .malformed(.notJSON)),
            (#"{"jsonrpc":"2.0","id":7,"result":[1,]}"#, .malformed(.notJSON)),
            (#" {"jsonrpc":"2.0","id":7,"result":1} "#, .result(34..<35)),
            (#"{"jsonrpc":"2.0","id":7,"result": 1 }"#, .result(34..<35)),
            (#"{"jsonrpc":"2.0","id":7,"result":1,"more":{"a":1}}"#, .result(33..<34)),
            (#"{"jsonrpc":"2.0","id":7,"result":1,"result":1}"#, .malformed(.notJSON)),
            (#"{"jsonrpc":"2.0","id":7,"result":1"more":1}"#, .malformed(.notJSON)),
            (#"{"jsonrpc":"2.0","id":7,"result":}"#, .malformed(.notJSON)),
            (#"{"jsonrpc":"2.0","id":7,"result":1"#, .malformed(.notJSON)),
            (#"{"jsonrpc":"2.0","id":07,"result":1}"#, .malformed(.notJSON)),
            (#"{"jsonrpc":"2.0","id":77,"result":1}"#, .malformed(.wrongID)),
            (#"{"jsonrpc":"2.0","id":-7,"result":1}"#, .malformed(.wrongID)),
            (#"{"jsonrpc":"2.0","id":70000000000000000000000,"result":1}"#, .malformed(.wrongID)),
            (nested(63), .result(33..<33 + 126)), (nested(64), .malformed(.notJSON)),
        ]
        for (text, outcome) in Self.faults + more {
            let body = Array(text.utf8)
            let response = H2Response(status: 200, headers: [header], body: body)
            #expect(reader.read(response) == outcome, "\(text)")
            var expected: JSONValue?
            if case .result(let range) = outcome {
                expected = try? decodeJSON(JSONValue.self, from: body, at: range)
                #expect(expected != nil, "\(text)")
            }
            #expect(reader.value(JSONValue.self, of: response) == expected, "\(text)")
        }
        let one = H2Response(status: 200, headers: [header], body: Array(Self.faults[0].0.utf8))
        #expect(reader.value(Int.self, of: one) == 1)
        #expect(reader.value(String.self, of: one) == nil)
        var failed = one
        failed.status = 503
        #expect(reader.value(Int.self, of: failed) == nil)
    }
}
