import Cryptography
import Foundation
import Stack
import Synchronization
import Testing

extension StackPlan {
    /// A gateway with registration by invitation that logs only errors.
    fileprivate static let quiet: StackPlan = {
        var plan = StackPlan()
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "invite", "REELAY_LOG_LEVEL": "error"]
        return plan
    }()
}

/// Operations on accounts, sessions, keys, connections and exports are audited at any log level.
@Suite(.stack(.quiet), .serialized)
struct AuditTests {
    /// Texts that must not appear in any line, and the number of lines already checked.
    private final class Notes: Sendable {
        private let state = Mutex((texts: Set<String>(), seenCount: 0))
        var texts: Set<String> { state.withLock { $0.texts } }
        func insert(_ text: String) { state.withLock { _ = $0.texts.insert(text) } }

        /// Records that `count` lines have been checked and returns the previous number.
        func see(_ count: Int) -> Int {
            state.withLock { state in
                defer { state.seenCount = count }
                return state.seenCount
            }
        }
    }

    private static let password = "a long and odd phrase"
    private let typed = Notes()

    /// The audit lines of a log.
    static func lines(_ log: String) throws -> [[String: String]] {
        try log.split(separator: "\n").filter { $0.contains(#""message":"audit""#) }.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: String])
        }
    }

    private func gateway(_ token: String? = nil) throws -> PublicClient {
        PublicClient(try #require(Stack.current).service("gateway").port, token: token)
    }

    private func written() throws -> [[String: String]] {
        let log = try #require(Stack.current).service("gateway").log
        return try Self.lines(String(contentsOf: log, encoding: .utf8))
    }

    /// The lines since the last check.
    private func news() throws -> [[String: String]] {
        let all = try written()
        return Array(all.dropFirst(typed.see(all.count)))
    }

    /// Expects exactly one line since the last check, with the fields that every line must have, and returns it.
    @discardableResult
    private func expect(
        _ event: String, _ outcome: String, _ code: String? = nil, by credential: String? = "session"
    ) throws -> [String: String] {
        let news = try news()
        try #require(news.count == 1, "\(event): \(news)")
        let line = news[0]
        #expect(line["event"] == event && line["outcome"] == outcome && line["code"] == code, "\(line)")
        #expect(line["address"] == "127.0.0.1" && line["trace_id"]?.count == 32 && line["time"] != nil, "\(line)")
        #expect(line["service"] == "gateway" && line["level"] == "notice", "\(line)")
        #expect(line["credential"] == credential && (line["credential_id"] != nil) == (credential != nil), "\(line)")
        if credential != nil { #expect(line["person"]?.count == 32, "\(line)") }
        return line
    }

    private func text(_ answer: PublicClient.Answer, _ name: String) throws -> String {
        let text = try #require(answer.json[name] as? String, "\(name): \(answer.answer.text)")
        if name != "id" { typed.insert(text) }
        return text
    }

    /// Registers a person and returns their client and audit line.
    private func join(_ name: String, _ invite: String?) async throws -> (PublicClient, [String: String]) {
        typed.insert(name)
        let code = invite.map { #","invite":"\#($0)""# } ?? ""
        let made = try await gateway().send(
            "POST", "/auth/register",
            #"{"username":"\#(name)","password":"\#(Self.password)","device":"\#(name)s telephone"\#(code)}"#)
        let client = try gateway(try text(made, "token"))
        let line = try expect("register", "ok", by: nil)
        #expect(line["person"]?.count == 32 && line["account"]?.count == 32)
        return (client, line)
    }

    /// The digest from docs/operations.md, computed as an administrator would.
    private func digest(_ text: String) async throws -> String {
        let script = """
            key=$(printf %s reelay.audit.v1 | openssl dgst -sha256 -mac HMAC -macopt "key:$1" -r | cut -c 1-64)
            printf %s "$2" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -r | cut -c 1-32
            """
        return try await Command.run("sh", ["-c", script, "digest", Stack.serviceSecret, text])
            .trimmingCharacters(in: .newlines)
    }

    @Test("Coming, going, guessing, second factors, keys, invitations, hooks, connections, exports and what is denied")
    func everything() async throws {
        let (walter, founded) = try await join("walter", nil)
        let me = try await walter.send("GET", "/users/me")
        let (person, account) = (try await digest("person \(try text(me, "id"))"), try await digest("account walter"))
        #expect(founded["person"] == person && founded["account"] == account)
        try await sessions(walter, founded)
        let member = try await invitations(walter)
        try await keys(member)
        try await secondFactor(member)
        try await hooks(member)
        try await connections(member)
        for address in ["?kind=ratings&format=json", "/letterboxd?list=diary", "/everything"] {
            #expect(try await member.send("GET", "/exports\(address)").status == 200, "\(address)")
        }
        let exports = try news()
        #expect(exports.map { $0["event"] } == ["exportData", "exportLetterboxd", "exportEverything"])
        #expect(exports.allSatisfy { $0["outcome"] == "ok" && $0["credential"] == "session" && $0["person"] != nil })
        #expect(try await member.send("DELETE", "/users/me").status == 204)
        try expect("deleteMe", "ok")
        #expect(try await walter.send("POST", "/auth/logout").status == 204)
        try expect("logout", "ok")

        let all = try written()
        typed.insert(Self.password)
        #expect(all.count > 25)
        for line in all {
            let told = line.values.joined(separator: "\n")
            for text in typed.texts { #expect(!told.contains(text), "\(text) stands in \(line)") }
        }
    }

    /// Logins, successful and failed, and the end of sessions.
    private func sessions(_ walter: PublicClient, _ founded: [String: String]) async throws {
        func login(_ name: String, _ password: String) async throws -> PublicClient.Answer {
            for text in [name, password] { typed.insert(text) }
            return try await gateway().send(
                "POST", "/auth/login", #"{"username":"\#(name)","password":"\#(password)"}"#)
        }
        let second = try await login("walter", Self.password)
        _ = try text(second, "token")
        let refresh = try text(second, "refresh_token")
        let good = try expect("login", "ok", by: nil)
        #expect(good["person"] == founded["person"] && good["account"] == founded["account"])
        #expect(try await login("walter", "a guess of somebody").status == 401)
        let guess = try expect("login", "refused", "invalidCredentials", by: nil)
        #expect(guess["account"] == founded["account"] && guess["person"] == nil)
        #expect(try await login("nobody-here", Self.password).status == 401)
        let unknown = try expect("login", "refused", "invalidCredentials", by: nil)
        #expect(unknown["account"] != founded["account"] && unknown["person"] == nil)

        let renewed = try await gateway().send("POST", "/auth/refresh", #"{"refresh_token":"\#(refresh)"}"#)
        let other = try gateway(try text(renewed, "token"))
        let everyday = try news()
        #expect(renewed.status == 200 && everyday.isEmpty, "\(everyday)")
        #expect(try await other.send("POST", "/auth/logout").status == 204)
        #expect(try expect("logout", "ok")["person"] == founded["person"])
        _ = try await gateway().send("POST", "/auth/refresh", #"{"refresh_token":"\#(refresh)"}"#)
        try expect("refresh", "refused", "invalidRefreshToken", by: nil)

        let phrase = "another long and odd phrase"
        typed.insert(phrase)
        for (old, code) in [("not this phrase", "wrongPassword"), (Self.password, nil)] as [(String, String?)] {
            typed.insert(old)
            _ = try await walter.send(
                "POST", "/auth/password", #"{"current_password":"\#(old)","new_password":"\#(phrase)"}"#)
            try expect("changePassword", code == nil ? "ok" : "refused", code)
        }
        let third = try await login("walter", phrase)
        _ = try text(third, "token")
        try expect("login", "ok", by: nil)
        let list = try await walter.send("GET", "/users/me/sessions").json["items"] as? [[String: Any]] ?? []
        let id = try #require(list.first { $0["is_current"] as? Bool == false }?["id"] as? String)
        for (code, status) in [(nil, 204), ("loginNotFound", 404)] as [(String?, Int)] {
            #expect(try await walter.send("DELETE", "/users/me/sessions/\(id)").status == status)
            let line = try expect("endSession", code == nil ? "ok" : "refused", code)
            #expect(line["object"] == (code == nil ? id : nil))
        }
        #expect(try await walter.send("DELETE", "/users/me/sessions").status == 204)
        try expect("endOtherSessions", "ok")
    }

    /// Two invitations, one of which admits a member who may not invite others.
    private func invitations(_ walter: PublicClient) async throws -> PublicClient {
        _ = try await gateway().send(
            "POST", "/auth/register", #"{"username":"uninvited","password":"\#(Self.password)"}"#)
        try expect("register", "refused", "registrationClosed", by: nil)
        var codes: [String] = []
        for _ in 0..<2 {
            let made = try await walter.send("POST", "/invites", #"{"note":"for my neighbour"}"#)
            codes.append(try text(made, "code"))
            let id = (made.json["invite"] as? [String: Any])?["id"] as? String
            #expect(try expect("createInvite", "ok")["object"] == id && id != nil)
            guard codes.count == 2, let id else { continue }
            #expect(try await walter.send("DELETE", "/invites/\(id)").status == 204)
            #expect(try expect("deleteInvite", "ok")["object"] == id)
        }
        for text in ["neighbour", "uninvited"] { typed.insert(text) }
        let (member, _) = try await join("wilma", codes[0])
        #expect(try await member.send("POST", "/invites", "{}").status == 403)
        try expect("createInvite", "denied", "forbidden")
        return member
    }

    private func keys(_ member: PublicClient) async throws {
        let made = try await member.send("POST", "/users/me/api-keys", #"{"name":"Kodi","scopes":["read"]}"#)
        let key = try gateway(try text(made, "token"))
        typed.insert("Kodi")
        let id = try #require((made.json["api_key"] as? [String: Any])?["id"] as? String)
        #expect(try expect("createApiKey", "ok")["object"] == id)
        #expect(try await key.send("GET", "/users/me/sessions").status == 403)
        let denied = try expect("listSessions", "denied", "forbidden", by: "key")
        #expect(denied["credential_id"] == id && denied["object"] == nil)
        #expect(try await member.send("DELETE", "/users/me/api-keys/\(id)").status == 204)
        #expect(try expect("deleteApiKey", "ok")["object"] == id)
    }

    /// A second factor is begun, turned on and removed, with a wrong code before each right one.
    private func secondFactor(_ member: PublicClient) async throws {
        let wrong = "none-of-it"
        typed.insert(wrong)
        let begun = try await member.send("POST", "/users/me/second-factor")
        let secret = try text(begun, "secret")
        _ = try text(begun, "otpauth_url")
        try expect("beginSecondFactor", "ok")
        let decoded = Base32.decode(secret).flatMap { TOTP($0) }
        let totp = try #require(decoded)
        /// Sends the wrong code and then the right one; returns the answer to the latter.
        func show(_ code: String, to operation: String, _ address: String) async throws -> PublicClient.Answer {
            let path = "/users/me/second-factor/\(address)"
            #expect(try await member.send("POST", path, #"{"code":"\#(wrong)"}"#).status == 403)
            try expect(operation, "refused", "wrongCode")
            let answer = try await member.send("POST", path, #"{"code":"\#(code)"}"#)
            #expect(answer.status < 300, "\(operation): \(answer.answer.text)")
            try expect(operation, "ok")
            return answer
        }
        // Six digits can occur in any number of a line, so TOTP codes are not searched for.
        let confirmed = try await show(PublicClient.code(totp), to: "confirmSecondFactor", "confirm")
        let codes = try #require(confirmed.json["recovery_codes"] as? [String])
        for code in codes { typed.insert(code) }
        _ = try await show(codes[0], to: "removeSecondFactor", "remove")
    }

    private func hooks(_ member: PublicClient) async throws {
        let made = try await member.send("POST", "/hooks", #"{"name":"Cellar"}"#)
        _ = try text(made, "secret")
        typed.insert("Cellar")
        try expect("createHook", "ok")
        let id = try #require((made.json["hook"] as? [String: Any])?["id"] as? String, "\(made.answer.text)")
        _ = try text(try await member.send("POST", "/hooks/\(id)/rotate", #"{"overlap_seconds":0}"#), "secret")
        #expect(try expect("rotateHook", "ok")["object"] == id)
        #expect(try await member.send("DELETE", "/hooks/\(id)").status < 300)
        #expect(try expect("deleteHook", "ok")["object"] == id)
    }

    private func connections(_ member: PublicClient) async throws {
        let stack = try #require(Stack.current)
        let upstreams = "http://127.0.0.1:\(stack.upstreams.port)"
        // Trakt in the browser; the callback arrives twice.
        let invitation = try await member.send("POST", "/scrobbling/trakt/connect")
        let address = try text(invitation, "authorize_url")
        let browser = try await Wire.send("GET", "\(address)&as=demo-wilma", headers: ["user-agent": "a browser"])
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String { back.queryItems?.first { $0.name == name }?.value ?? "missing" }
        for text in [field("code"), field("state"), "demo-wilma"] { typed.insert(text) }
        for (outcome, code) in [("ok", nil), ("refused", "unknown")] as [(String, String?)] {
            _ = try await member.send(
                "POST", "/scrobbling/trakt/complete", #"{"code":"\#(field("code"))","state":"\#(field("state"))"}"#)
            try expect("completeTrakt", outcome, code)
        }
        // Simkl by a code that is entered there.
        let wish = try await member.send("POST", "/scrobbling/simkl/pin")
        let (flow, code) = (try #require(wish.json["flow"] as? String), try text(wish, "user_code"))
        let early = try await member.send("POST", "/scrobbling/simkl/pin/\(flow)")
        let unsettled = try news()
        #expect(early.json["result"] as? String == "pending" && unsettled.isEmpty, "\(unsettled)")
        _ = try await Wire.send("GET", "\(upstreams)/simkl/pin/\(code)?as=wilma")
        _ = try await stack.database.query("UPDATE scrobble.oauth_flows SET next_poll_at = now() - interval '1 second'")
        let settled = try await member.send("POST", "/scrobbling/simkl/pin/\(flow)")
        #expect(settled.json["result"] as? String == "connected", "\(settled.answer.text)")
        try expect("pollSimklPin", "ok")
        for provider in ["trakt", "simkl"] {
            #expect(try await member.send("DELETE", "/scrobbling/connections/\(provider)").status == 200)
            #expect(try expect("disconnect", "ok")["object"] == provider)
        }
    }
}
