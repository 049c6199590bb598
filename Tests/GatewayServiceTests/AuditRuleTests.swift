import Assembly
import Contracts
import Cryptography
import Foundation
import JSON
import Logging
import RPC
import Runtime
import Synchronization
import Testing

@testable import GatewayService

/// Which calls are logged so that it can later be found out who did what, and what is logged about them.
@Suite struct AuditRuleTests {
    private final class Lines: Sendable {
        private let state = Mutex<[[UInt8]]>([])
        func add(_ line: [UInt8]) { state.withLock { $0.append(line) } }

        var all: [[String: String]] {
            get throws {
                try state.withLock { $0 }.map {
                    try #require(try JSONSerialization.jsonObject(with: Data($0)) as? [String: String])
                }
            }
        }
    }

    private static let secret = "a service secret of some forty characters"
    private static let user = UserID(UUIDBits(high: 7, low: 1))
    private static let session = EdgeCaller(user: user, credential: UUIDBits(high: 7, low: 2))
    private static let object = UUIDBits(high: 7, low: 3)

    private static func context() -> EdgeContext {
        EdgeContext(rpc: RPCContext(deadline: .now + .seconds(5), trace: .root()), clientAddress: "192.0.2.1")
    }

    /// The lines written for the calls that `body` reports, by a service that logs only errors.
    private static func lines(_ body: (OperationAudit) -> Void) throws -> [[String: String]] {
        let lines = Lines()
        let logger = Logger(label: "test") { label in
            JSONLogHandler(
                label: label, service: "gateway", version: "1", level: .error, now: { WallTime(unixMilliseconds: 0) },
                write: { line, _ in lines.add(line) })
        }
        body(OperationAudit(log: AuditLog(logger: logger, secret: Secret(secret))))
        return try lines.all
    }

    private static let connected = EdgeResponse(status: 200, body: Array(#"{"result":"connected"}"#.utf8))

    /// Whether an operation decides who may do what, or hands out a person's data.
    private static func isOfIdentity(_ path: String, _ verb: String, _ operation: JSONValue) -> Bool {
        let tag = operation["tags"][0].string ?? ""
        let scope = operation["x-scope"].string
        if operation["security"] == .array([]) || path.contains("/exports") { return true }
        return verb != "get"
            && (scope == nil || scope == "admin" || ["auth", "hooks", "scrobbling"].contains(tag))
    }

    @Test(
        "Every operation about accounts, sessions, keys, connections, hooks and exports has a rule, or a reason why not"
    )
    func listed() throws {
        let document = try decodeJSON(JSONValue.self, from: PublicDocument.openAPI)
        var known: Set<String> = []
        var count = 0
        for (path, item) in try #require(document["paths"].object).members {
            for (verb, operation) in try #require(item.object).members where verb != "parameters" {
                let id = try #require(operation["operationId"].string)
                known.insert(id)
                guard Self.isOfIdentity(path, verb, operation) else { continue }
                #expect(AuditRule.rules[id] != nil, "say in AuditRule.rules when \(id) is written down, or why never")
                count += 1
            }
        }
        #expect(count >= 38, "\(count)")
        for (id, rule) in AuditRule.rules {
            #expect(known.contains(id), "\(id) is no operation")
            if case .never(let reason) = rule { #expect(!reason.isEmpty, "\(id)") }
        }
    }

    @Test("A call of each that is listed leaves one line: who, by what, from where, what, and what it came to")
    func everyRule() throws {
        for (operation, rule) in AuditRule.rules.sorted(by: { $0.key < $1.key }) {
            for isGood in [true, false] {
                let context = Self.context()
                let request = EdgeRequest(pathParameters: ["it": Self.object.description])
                let lines = try Self.lines { audit in
                    let answer =
                        isGood ? Self.connected : EdgeResponse.problem(.tooMany("no"), trace: context.rpc.trace)
                    audit.hear(answer, of: operation, to: request, from: Self.session, context)
                }
                let isWritten =
                    switch rule {
                    case .always, .decisions: true
                    case .refusals: !isGood
                    case .never: false
                    }
                #expect(lines.count == (isWritten ? 1 : 0), "\(operation)")
                guard let line = lines.first else { continue }
                var expected = [
                    "time": "1970-01-01T00:00:00.000Z", "level": "notice", "service": "gateway", "version": "1",
                    "logger": "test", "message": "audit", "event": operation, "outcome": isGood ? "ok" : "refused",
                    "address": "192.0.2.1", "credential": "session",
                    "credential_id": Self.session.credential.description, "trace_id": context.rpc.trace.traceID,
                    "person": Self.digest("person \(Self.user)"),
                ]
                if isGood { expected["object"] = Self.object.description } else { expected["code"] = "tooMany" }
                #expect(line == expected, "\(operation)")
            }
        }
    }

    /// As described in docs/operations.md.
    private static func digest(_ text: String) -> String {
        let key = HMAC.sha256(key: Array(secret.utf8), message: Array("reelay.audit.v1".utf8))
        return String(Hex.encode(HMAC.sha256(key: key, message: Array(text.utf8))).prefix(32))
    }

    @Test("A wish to connect is written once it is settled, with what came of it")
    func decisions() throws {
        for result in ConnectResult.allCases {
            let answer = EdgeResponse(status: 200, body: encodeJSON(ConnectOutcome(result: result)))
            let lines = try Self.lines { audit in
                audit.hear(answer, of: "completeTrakt", to: EdgeRequest(), from: Self.session, Self.context())
            }
            switch result {
            case .pending: #expect(lines.isEmpty)
            case .connected: #expect(lines.first?["outcome"] == "ok" && lines.first?["code"] == nil)
            case .unreachable: #expect(lines.first?["outcome"] == "failed" && lines.first?["code"] == "unreachable")
            default: #expect(lines.first?["outcome"] == "refused" && lines.first?["code"] == result.rawValue)
            }
        }
    }

    @Test("A denial is written whatever the operation is, and what broke off is no refusal")
    func denials() throws {
        let trace = Self.context().rpc.trace
        let key = EdgeCaller(user: Self.user, scopes: ["read"], credential: UUIDBits(high: 7, low: 4))
        let lines = try Self.lines { audit in
            for (operation, error) in [
                ("rateMovie", RPCError.forbidden()), ("updateMe", .forbidden()), ("logout", .forbidden()),
                ("getHome", .passwordChangeRequired()), ("getHome", .secondFactorMissing()),
                ("login", .unavailable("the database is away")), ("rateMovie", .unavailable("the database is away")),
                ("rateMovie", .titleNotFound()),
            ] as [(String, RPCError)] {
                audit.hear(
                    .problem(error, trace: trace), of: operation, to: EdgeRequest(), from: key, Self.context())
            }
        }
        #expect(lines.map { $0["event"] } == ["rateMovie", "updateMe", "logout", "getHome", "getHome", "login"])
        #expect(lines.map { $0["outcome"] } == ["denied", "denied", "denied", "denied", "denied", "failed"])
        #expect(lines.allSatisfy { $0["credential"] == "key" && $0["credential_id"] == key.credential.description })
        #expect(lines.prefix(3).allSatisfy { $0["code"] == "forbidden" })
        #expect(lines.suffix(3).map { $0["code"] } == ["passwordChangeRequired", "secondFactorMissing", "unavailable"])
    }

    @Test("What an operation says it has ended is written though the call was refused")
    func refusedObject() throws {
        let context = Self.context()
        context.subject.tell(person: Self.user)
        context.subject.tell(object: Self.object)
        let lines = try Self.lines { audit in
            audit.hear(
                .problem(.invalidRefreshToken("log in again"), trace: context.rpc.trace), of: "refresh",
                to: EdgeRequest(), from: nil, context)
        }
        #expect(lines.count == 1 && lines.first?["outcome"] == "refused")
        #expect(lines.first?["object"] == Self.object.description)
        #expect(lines.first?["person"] == Self.digest("person \(Self.user)"))
    }

    @Test("Of several things that ended all are named")
    func severalObjects() throws {
        let context = Self.context()
        let other = UUIDBits(high: 7, low: 4)
        context.subject.tell(objects: [Self.object, other])
        let lines = try Self.lines { audit in
            audit.hear(EdgeResponse(status: 200), of: "login", to: EdgeRequest(), from: nil, context)
        }
        #expect(lines.count == 1 && lines.first?["object"] == "\(Self.object.description) \(other.description)")
    }

    @Test("Names are digests, and nothing that anybody typed is written")
    func nothingTyped() throws {
        let context = Self.context()
        context.subject.tell(username: "alice")
        let lines = try Self.lines { audit in
            audit.hear(
                .problem(.invalidCredentials("the user name or password is wrong"), trace: context.rpc.trace),
                of: "login",
                to: EdgeRequest(
                    pathParameters: ["it": "typed text"], query: [("q", "typed text")],
                    headers: [("x-typed", "typed text")], body: Array("typed text".utf8)), from: nil, context)
            // A path whose last segment is a secret, in a call that succeeds.
            audit.hear(
                EdgeResponse(status: 204), of: "deleteHook",
                to: EdgeRequest(pathParameters: ["hook": "reelay_hk_typed text"]), from: Self.session, Self.context())
        }
        #expect(lines.count == 2)
        for line in lines { #expect(!line.values.contains { $0.contains("typed") || $0.contains("alice") }, "\(line)") }
        #expect(lines[0]["account"] == Self.digest("account alice") && lines[0]["person"] == nil)
        #expect(lines[0]["credential"] == nil && lines[0]["outcome"] == "refused")
    }
}
