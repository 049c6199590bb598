import Cryptography
import FoundationEssentials
import JSON
import Synchronization

/// The host that issues Trakt's tokens: the code flow with PKCE, the device flow and single-use refresh tokens. Its
/// clock can be advanced, so that nobody waits for an expiry.
package final class TraktOAuth: Sendable {
    package static let clientID = "reelay-demo-trakt"
    package static let clientSecret = "reelay-demo-trakt-secret"

    /// How the host behaves; set by tests.
    package struct Behaviour: Sendable {
        /// The redirect URIs that the application has registered; compared character by character.
        package var redirects: Set<String> = [
            "http://127.0.0.1:8080/oauth/trakt/callback", "urn:ietf:wg:oauth:2.0:oob",
        ]
        /// The lifetime of an access token, in seconds.
        package var lifeSeconds = 604_800
        package var deviceLifeSeconds = 600
        package var deviceIntervalSeconds = 5
        /// The number of refreshes still to be granted without delivering the answer.
        package var lostRefreshes = 0

        package init() {}
    }

    private struct Grant {
        let account: String
        var usesSecret: Bool
    }

    private struct Code {
        let account: String
        let redirect: String
        let challenge: String?
        let endsAt: Double
    }

    private struct Device {
        let userCode: String
        let endsAt: Double
        var lastPoll = -Double.infinity
        var account: String?
        var isDenied = false
        var isUsed = false
    }

    private struct State {
        var behaviour = Behaviour()
        var shift: Double = 0
        var codes: [String: Code] = [:]
        var devices: [String: Device] = [:]
        var access: [String: (account: String, endsAt: Double)] = [:]
        var refresh: [String: Grant] = [:]
        var refreshes = 0
        var spentRefreshes = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func reset() { state.withLock { $0 = State() } }
    package func behave(_ change: (inout Behaviour) -> Void) { state.withLock { change(&$0.behaviour) } }

    /// The numbers of refreshes that were granted, and of those that came with a spent token.
    package var refreshCounts: (granted: Int, spent: Int) { state.withLock { ($0.refreshes, $0.spentRefreshes) } }

    /// Advances the clock.
    package func pass(seconds: Double) { state.withLock { $0.shift += seconds } }

    /// Every token that was issued and is not spent.
    package var all: [String] { state.withLock { Array($0.access.keys) + Array($0.refresh.keys) } }

    /// The account of a token; nil if the token is not, or no longer, valid.
    package func account(of token: String) -> String? {
        state.withLock { state in
            guard let grant = state.access[token], Self.now(state) < grant.endsAt else { return nil }
            return grant.account
        }
    }

    /// Revokes every token of an account, as a person does in the settings there.
    package func withdraw(_ account: String) {
        state.withLock { state in
            state.access = state.access.filter { $0.value.account != account }
            state.refresh = state.refresh.filter { $0.value.account != account }
        }
    }

    /// Decides about a code shown on a device, as its person would; nil denies it.
    package func decide(userCode: String, as account: String?) {
        state.withLock { state in
            for (code, device) in state.devices where device.userCode == userCode {
                state.devices[code]?.account = account
                state.devices[code]?.isDenied = account == nil
            }
        }
    }

    package func answer(_ request: UpstreamRequest, path: [String]) -> UpstreamResponse {
        guard request.header("user-agent") != nil else { return .html("403 Forbidden", status: 403) }
        if path == ["oauth", "authorize"], request.method == "GET" { return authorize(request) }
        if path.first == "activate", request.method == "GET" { return activate(request, path) }
        guard request.method == "POST" else { return .empty(405) }
        guard request.header("content-type")?.hasPrefix("application/json") == true else { return .empty(412) }
        guard let body = try? decodeJSON(JSONValue.self, from: request.body) else {
            return Self.problem("invalid_request")
        }
        return state.withLock { state in
            switch path {
            case ["oauth", "token"]: Self.token(body, &state)
            case ["oauth", "device", "code"]: Self.deviceCode(body, &state)
            case ["oauth", "device", "token"]: Self.deviceToken(body, &state)
            case ["oauth", "revoke"]: Self.revoke(body, &state)
            default: .empty(404)
            }
        }
    }

    // MARK: In the browser

    /// The page where a person signs in and agrees; `as` names that person, `deny` stands for a refusal.
    private func authorize(_ request: UpstreamRequest) -> UpstreamResponse {
        state.withLock { state in
            let redirect = request.query("redirect_uri") ?? ""
            guard request.query("client_id") == Self.clientID, request.query("response_type") == "code",
                state.behaviour.redirects.contains(redirect)
            else { return .html("The client or its redirect is not known", status: 400) }
            let challenge = request.query("code_challenge")
            guard challenge == nil || request.query("code_challenge_method") == "S256" else {
                return .html("Only S256", status: 400)
            }
            let back = "\(redirect)\(redirect.contains("?") ? "&" : "?")"
            let echoed = request.query("state").map { "&state=\($0)" } ?? ""
            if request.query("deny") != nil { return Self.moved(to: "\(back)error=access_denied\(echoed)") }
            guard let account = request.query("as"), !account.isEmpty else { return Self.signIn(request) }
            let code = Self.random()
            state.codes[code] = Code(
                account: account, redirect: redirect, challenge: challenge, endsAt: Self.now(state) + 600)
            if redirect.hasPrefix("urn:") { return .json(.members(["code": .string(code)])) }
            return Self.moved(to: "\(back)code=\(code)\(echoed)")
        }
    }

    private static func signIn(_ request: UpstreamRequest) -> UpstreamResponse {
        func escaped(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("\"", with: "&quot;").replacing("<", with: "&lt;")
        }
        let fields = request.query.map {
            "<input type=hidden name=\"\(escaped($0.name))\" value=\"\(escaped($0.value))\">"
        }
        let page =
            "<!DOCTYPE html><title>Sign in</title><form>\(fields.joined())<input name=as><button>Allow</button></form>\n"
        return UpstreamResponse(
            status: 200, headers: [WireField("content-type", "text/html; charset=utf-8")], body: Array(page.utf8))
    }

    /// `/activate/CODE` with `?as=NAME` or `?deny`.
    private func activate(_ request: UpstreamRequest, _ path: [String]) -> UpstreamResponse {
        guard path.count == 2, request.query("as") != nil || request.query("deny") != nil else {
            return .html("Enter /activate/CODE?as=NAME", status: 200)
        }
        decide(userCode: path[1], as: request.query("deny") == nil ? request.query("as") : nil)
        return .html("Done", status: 200)
    }

    private static func moved(to address: String) -> UpstreamResponse {
        .empty(302, headers: [WireField("location", address)])
    }

    // MARK: Tokens

    private static func token(_ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        guard body["client_id"].string == clientID else { return problem("invalid_client", status: 401) }
        switch body["grant_type"].string {
        case "authorization_code": return exchange(body, &state)
        case "refresh_token": return refresh(body, &state)
        default: return problem("unsupported_grant_type")
        }
    }

    /// Exchanges a code, which the first attempt consumes: it is single-use (RFC 6749 §4.1.2).
    private static func exchange(_ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        guard let name = body["code"].string, let code = state.codes.removeValue(forKey: name),
            now(state) < code.endsAt, body["redirect_uri"].string == code.redirect
        else { return problem("invalid_grant") }
        let hasSecret = body["client_secret"].string == clientSecret
        switch (code.challenge, body["code_verifier"].string) {
        case (.some(let challenge), .some(let verifier)):
            guard Base64.encodeURL(SHA256.hash(verifier).bytes) == challenge else { return problem("invalid_grant") }
        case (nil, nil): guard hasSecret else { return problem("invalid_client", status: 401) }
        // A challenge dropped on the way, or a missing verifier (RFC 9700 §2.1.1).
        default: return problem("invalid_grant")
        }
        return grant(code.account, usesSecret: code.challenge == nil, &state)
    }

    private static func refresh(_ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        guard let name = body["refresh_token"].string else { return problem("invalid_request") }
        guard let old = state.refresh[name] else {
            state.spentRefreshes += 1
            return problem("invalid_grant", "session not found")
        }
        if old.usesSecret, body["client_secret"].string != clientSecret {
            return problem("invalid_client", status: 401)
        }
        state.refresh[name] = nil
        state.refreshes += 1
        let answer = grant(old.account, usesSecret: old.usesSecret, &state)
        guard state.behaviour.lostRefreshes > 0 else { return answer }
        state.behaviour.lostRefreshes -= 1
        return .html("504 Gateway time-out", status: 504)
    }

    private static func grant(_ account: String, usesSecret: Bool, _ state: inout State) -> UpstreamResponse {
        let (access, refresh, now) = (random(), random(), now(state))
        state.access[access] = (account, now + Double(state.behaviour.lifeSeconds))
        state.refresh[refresh] = Grant(account: account, usesSecret: usesSecret)
        return .json(
            .members([
                "access_token": .string(access), "token_type": "bearer",
                "expires_in": .whole(state.behaviour.lifeSeconds), "refresh_token": .string(refresh),
                "scope": "public", "created_at": .whole(Int(now)),
            ]))
    }

    private static func revoke(_ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        guard let token = body["token"].string, let grant = state.access.removeValue(forKey: token) else {
            return .empty(200)
        }
        state.refresh = state.refresh.filter { $0.value.account != grant.account }
        return .empty(200)
    }

    // MARK: Devices

    private static func deviceCode(_ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        guard body["client_id"].string == clientID else { return .empty(403) }
        let (code, user) = (random(), String(random().prefix(8)).uppercased())
        let life = state.behaviour.deviceLifeSeconds
        state.devices[code] = Device(userCode: user, endsAt: now(state) + Double(life))
        return .json(
            .members([
                "device_code": .string(code), "user_code": .string(user),
                "verification_url": "https://auth.trakt.tv/activate", "expires_in": .whole(life),
                "interval": .whole(state.behaviour.deviceIntervalSeconds),
            ]))
    }

    private static func deviceToken(_ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        guard body["client_id"].string == clientID, body["client_secret"].string == clientSecret else {
            return .empty(401)
        }
        let now = now(state)
        guard let name = body["code"].string, var device = state.devices[name] else { return .empty(404) }
        defer { state.devices[name] = device }
        if device.isUsed { return .empty(409) }
        if now >= device.endsAt { return .empty(410) }
        if device.isDenied { return .empty(418) }
        defer { device.lastPoll = now }
        if now - device.lastPoll < Double(state.behaviour.deviceIntervalSeconds) { return .empty(429) }
        guard let account = device.account else { return .empty(400) }
        device.isUsed = true
        return grant(account, usesSecret: true, &state)
    }

    // MARK: Small things

    private static func problem(_ error: String, _ text: String = "", status: Int = 400) -> UpstreamResponse {
        .json(.members(["error": .string(error), "error_description": .string(text)]), status: status)
    }

    private static func random() -> String { Hex.encode(RandomBytes.make(32)) }

    private static func now(_ state: State) -> Double { Date.now.timeIntervalSince1970 + state.shift }
}
