import Cryptography
import FoundationEssentials
import JSON

/// The codes that people enter and the tokens issued for them; polling for a code always answers with status 200.
struct SimklPINs {
    private struct PIN {
        let endsAt: Double
        var lastPoll = -Double.infinity
        var account: String?
        var isGone = false
    }

    private var pins: [String: PIN] = [:]
    private var access: [String: (account: String, endsAt: Double)] = [:]
    private var refresh: [String: String] = [:]
    private var codes: [String: (account: String, redirect: String, challenge: String, isReadOnly: Bool)] = [:]
    private var readOnly: Set<String> = []
    private var count = 0
    private(set) var renewals = 0

    /// Every token that was issued and not revoked.
    var all: [String] { Array(access.keys) + Array(refresh.keys) }

    func account(of token: String, now: Double) -> String? {
        access[token].flatMap { now < $0.endsAt ? $0.account : nil }
    }

    /// Whether a token was issued without permission to write.
    func isReadOnly(_ token: String) -> Bool { readOnly.contains(token) }

    mutating func answer(
        _ request: UpstreamRequest, _ behaviour: SimklAccounts.Behaviour, now: Double
    ) -> UpstreamResponse {
        switch request.segments {
        case ["oauth", "pin"]: return begin(behaviour, now)
        case let path where path.count == 3 && path[0] == "oauth" && path[1] == "pin":
            return poll(path[2], behaviour, now)
        // The page where the person enters the code.
        case let path where path.count == 2 && path[0] == "pin":
            guard pins[path[1]] != nil else { return .html("No such code", status: 404) }
            if let name = request.query("as") {
                pins[path[1]]?.account = "demo-\(name)"
            } else {
                pins[path[1]]?.isGone = true
            }
            return .html("Thank you", status: 200)
        case ["oauth2", "authorize"]: return authorize(request)
        case ["oauth2", "revoke"]:
            if let token = Self.field("token", request) { access[token] = nil }
            return .json(.members(["result": "OK"]))
        case ["oauth2", "token"]: return token(request, behaviour, now)
        default: return SimklAccounts.failure("url_failed", 404)
        }
    }

    private mutating func begin(_ behaviour: SimklAccounts.Behaviour, _ now: Double) -> UpstreamResponse {
        count += 1
        let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        let code = String(RandomBytes.make(6).map { letters[Int($0) % letters.count] })
        pins[code] = PIN(endsAt: now + behaviour.pinLifeSeconds)
        return .json(
            .members([
                "result": "OK", "device_code": "DEVICE_CODE", "user_code": .string(code),
                "verification_uri": "https://simkl.com/pin", "verification_url": "https://simkl.com/pin",
                "expires_in": .whole(Int(behaviour.pinLifeSeconds)),
                "interval": .whole(Int(behaviour.pinIntervalSeconds)),
            ]))
    }

    private mutating func poll(
        _ code: String, _ behaviour: SimklAccounts.Behaviour, _ now: Double
    ) -> UpstreamResponse {
        // An unknown, expired, used or rejected code is answered with a new one.
        guard var pin = pins[code], now < pin.endsAt, !pin.isGone else { return begin(behaviour, now) }
        let isTooFast = now - pin.lastPoll < behaviour.pinIntervalSeconds * 0.9
        pin.lastPoll = now
        pins[code] = pin
        if isTooFast { return .json(.members(["result": "KO", "message": "Slow down"])) }
        guard let account = pin.account else {
            return .json(.members(["result": "KO", "message": "Authorization pending"]))
        }
        pins[code]?.isGone = true
        return .json(give(account, behaviour, now, isV2: behaviour.isV2))
    }

    /// The page where a person agrees; `as` names that person, `deny` stands for a refusal.
    private mutating func authorize(_ request: UpstreamRequest) -> UpstreamResponse {
        guard request.query("client_id") == SimklEmulator.clientID, request.query("response_type") == "code",
            let redirect = request.query("redirect_uri"), let challenge = request.query("code_challenge"),
            request.query("code_challenge_method") == "S256"
        else { return .html("The request is not as it must be", status: 400) }
        let echoed = request.query("state").map { "&state=\($0)" } ?? ""
        guard request.query("deny") == nil, let name = request.query("as"), !name.isEmpty else {
            return .empty(302, headers: [WireField("location", "\(redirect)?error=access_denied\(echoed)")])
        }
        let code = Hex.encode(RandomBytes.make(16))
        let scopes = (request.query("scope") ?? "").split(separator: " ")
        codes[code] = ("demo-\(name)", redirect, challenge, !scopes.contains("media:write"))
        return .empty(302, headers: [WireField("location", "\(redirect)?code=\(code)\(echoed)")])
    }

    private static func field(_ name: String, _ request: UpstreamRequest) -> String? {
        AddressText.query(String(decoding: request.body, as: UTF8.self)).first { $0.name == name }?.value
    }

    private mutating func token(
        _ request: UpstreamRequest, _ behaviour: SimklAccounts.Behaviour, _ now: Double
    ) -> UpstreamResponse {
        guard Self.field("grant_type", request) == "authorization_code" else { return renew(request, behaviour, now) }
        guard Self.field("client_id", request) == SimklEmulator.clientID else {
            return SimklAccounts.failure("invalid_client", 401)
        }
        // The first attempt consumes the code.
        guard let code = codes.removeValue(forKey: Self.field("code", request) ?? ""),
            Self.field("redirect_uri", request) == code.redirect,
            let verifier = Self.field("code_verifier", request),
            Base64.encodeURL(SHA256.hash(verifier).bytes) == code.challenge
        else { return SimklAccounts.failure("invalid_grant", 400) }
        let answer = give(code.account, behaviour, now, isV2: true)
        if code.isReadOnly, let token = answer["access_token"].string { readOnly.insert(token) }
        return .json(answer)
    }

    private mutating func give(
        _ account: String, _ behaviour: SimklAccounts.Behaviour, _ now: Double, isV2: Bool, refresh kept: String? = nil
    ) -> JSONValue {
        let token = Hex.encode(RandomBytes.make(20))
        let life = isV2 ? Double(behaviour.lifeSeconds) : 157_680_000
        access[token] = (account, now + life)
        let answer = JSONValue.members(["result": "OK", "access_token": .string(token)])
        guard isV2 else { return answer }
        let renewer = kept ?? Hex.encode(RandomBytes.make(20))
        refresh[renewer] = account
        return answer.adding([
            "refresh_token": .string(renewer), "expires_in": .whole(behaviour.lifeSeconds), "token_type": "bearer",
        ])
    }

    /// Issues a new access token for the same refresh token, and revokes the earlier access tokens at once.
    private mutating func renew(
        _ request: UpstreamRequest, _ behaviour: SimklAccounts.Behaviour, _ now: Double
    ) -> UpstreamResponse {
        func field(_ name: String) -> String? { Self.field(name, request) }
        guard field("client_id") == SimklEmulator.clientID else { return SimklAccounts.failure("invalid_client", 401) }
        guard field("grant_type") == "refresh_token", let renewer = field("refresh_token"),
            let account = refresh[renewer]
        else { return SimklAccounts.failure("invalid_grant", 400) }
        access = access.filter { $0.value.account != account }
        renewals += 1
        return .json(give(account, behaviour, now, isV2: true, refresh: renewer))
    }
}
