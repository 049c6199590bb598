import Dispatch
import HTTP2
import JSON
import NIOCore
import NIOPosix
import Synchronization

@testable import RPC

/// Reads any bytes as the body of a request, the body of a response and the header fields around them.
enum EnvelopeFuzz {
    private static let limits = RPCLimits()
    private static let scanner = RequestScanner(
        methods: MethodTable(["ratings.getRating", "ratings.rateTitle", "health.check"]), limits: limits)

    static func run(_ bytes: [UInt8]) -> Int32 {
        scan(bytes)
        respond(bytes)
        read(bytes)
        readHeaders(bytes)
        return 0
    }

    private static func scan(_ body: [UInt8]) {
        let isJSON = value(JSONValue.self, body) != nil
        do throws(RPCError) {
            switch try scanner.scan(body) {
            case .single(let request): hold(request, body)
            case .batch(let requests):
                check((1...limits.batchMembersMax).contains(requests.count), "a batch of \(requests.count)")
                for request in requests { hold(request, body) }
            }
            check(isJSON, "a request that is no JSON is taken")
        } catch {
            check(!isJSON || error.code == RPCError.Code.invalidRequest, "JSON is refused: \(error.message)")
            check(value(JSONValue.self, RPCEnvelope.response(error)) != nil, "a refusal is no JSON")
        }
    }

    /// A complete server whose methods echo their parameters.
    private static let server: RPCServer = {
        var router = RPCRouter()
        for name in ["ratings.getRating", "ratings.rateTitle"] {
            router.register(RPCMethod(name: name, isIdempotent: true)) {
                (params: [String: JSONValue], _) async throws(RPCError) in params
            }
        }
        return RPCServer(
            router: router, limits: limits, secrets: nil,
            sweeper: DeadlineSweeper(eventLoop: MultiThreadedEventLoopGroup.singleton.next()),
            health: { HealthReport(checks: []) }, observe: { _ in })
    }()

    private static func respond(_ body: [UInt8]) {
        let request = H2Request(
            method: "POST", path: "/rpc", headers: [H2Header("content-type", "application/json")], body: body)
        let response = answer(to: request)
        check([200, 204].contains(response.status), "status \(response.status)")
        check((response.status == 204) == response.body.isEmpty, "a body with 204, or none with 200")
        let said = value(JSONValue.self, response.body)
        check(response.body.isEmpty || said != nil, "an answer is no JSON")
        var asked: [ScannedRequest] = []
        var isBatch = false
        do throws(RPCError) {
            switch try scanner.scan(body) {
            case .single(let request): asked = [request]
            case .batch(let requests):
                asked = requests
                isBatch = true
            }
        } catch {
            check(said?["error"]["code"].int == error.code, "a refusal of another kind")
            return
        }
        let ids = asked.filter { $0.id != nil || $0.fault?.code == RPCError.Code.invalidRequest }.map { request in
            request.id.flatMap { value(JSONValue.self, Array(body[$0])) } ?? .null
        }
        let answers = isBatch ? said?.array ?? [] : said.map { [$0] } ?? []
        check(answers.map { $0["id"] } == ids, "\(ids.count) ids asked, \(answers.count) answers")
        for answer in answers {
            let members = answer.object?.members.map(\.name) ?? []
            check(members.contains("result") != members.contains("error"), "an answer with \(members)")
        }
    }

    /// libFuzzer calls from one thread, which may block; the server answers on others.
    private static func answer(to request: H2Request) -> H2Response {
        let answer = Answer()
        Task.detached {
            answer.give(await server.respond(to: request))
        }
        return answer.wait()
    }

    private final class Answer: Sendable {
        private let response = Mutex(H2Response(status: 500))
        private let isGiven = DispatchSemaphore(value: 0)

        func give(_ value: H2Response) {
            response.withLock { $0 = value }
            isGiven.signal()
        }

        func wait() -> H2Response {
            isGiven.wait()
            return response.withLock { $0 }
        }
    }

    private static func hold(_ request: ScannedRequest, _ body: [UInt8]) {
        if let id = request.id {
            check(id.count <= limits.idBytesMax, "an id of \(id.count) bytes")
            check(value(JSONValue.self, Array(body[id])) != nil, "an id is no JSON")
        }
        if let params = request.params {
            check(value(JSONValue.self, Array(body[params]))?.object != nil, "params are no object")
        }
        if let fault = request.fault {
            check(value(JSONValue.self, RPCEnvelope.response(fault, body, id: request.id)) != nil, "no JSON")
            return
        }
        do throws(RPCError) {
            let params: [String: JSONValue] = try RPCEnvelope.decodeParams(body, at: request.params)
            let response = RPCEnvelope.response(params, body, id: request.id)
            check(response.isEmpty == (request.id == nil), "only a notification is not answered")
            guard let id = request.id else { return }
            let answer = value(JSONValue.self, response) ?? .null
            check(answer["result"].object?.members.count == params.count, "the result is not what was asked for")
            check(answer["id"] == value(JSONValue.self, Array(body[id])), "the answer has another id")
        } catch {
            check(false, "params that were scanned do not decode: \(error.message)")
        }
    }

    private static func read(_ body: [UInt8]) {
        let response = H2Response(status: 200, headers: [H2Header("content-type", "application/json")], body: body)
        let reader = ResponseReader(number: 1)
        let atOnce = reader.value(JSONValue.self, of: response)
        switch reader.read(response) {
        case .result(let range):
            let result = value(JSONValue.self, Array(body[range]))
            check(result != nil, "a result is no JSON")
            check(atOnce == result, "a result that is read at once is another")
            check(value(JSONValue.self, body)?["id"].int == 1, "the answer to another call is taken")
        case .failed(let error):
            check(error.message.utf8.count <= 1_024 * 16, "an error of unbounded length")
            check(atOnce == nil, "the result of an error")
        case .malformed: check(atOnce == nil, "the result of an answer that is malformed")
        }
    }

    /// Reads the lines of the text as header field values.
    private static func readHeaders(_ bytes: [UInt8]) {
        let lines = bytes.prefix(4_096).split(separator: 10, omittingEmptySubsequences: false)
        let names = ["traceparent", "tracestate", "rpc-timeout-ms", "rpc-attempt", "idempotency-key", "content-type"]
        let fields = zip(names, lines).map { H2Header($0, String(decoding: $1, as: UTF8.self)) }
        let headers = RequestHeaders(fields)
        _ = headers.isJSON
        let now = ContinuousClock.now
        do throws(RPCError) {
            let context = try headers.context(receivedAt: now, limits: limits)
            check(context.deadline > now && context.deadline <= now + limits.timeoutMax, "a deadline out of bounds")
            check((0...limits.attemptMax).contains(context.attempt), "attempt \(context.attempt)")
            let again = TraceContext(traceparent: context.trace.traceparent)
            check(again?.traceparent == context.trace.traceparent, "a trace that is passed on is not valid")
        } catch {
            check(error.code == RPCError.Code.invalidRequest, "header fields are refused with \(error.code)")
        }
    }

    private static func value<Value: JSONDecodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        do throws(JSONError) { return try decodeJSON(type, from: bytes) } catch { return nil }
    }
}
