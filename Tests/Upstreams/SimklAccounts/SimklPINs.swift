import Cryptography
import FoundationEssentials
import JSON

/// Codes that people enter, and the tokens that they bring; the status of an answer about a code is always 200.
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
    private var count = 0
    private(set) var renewals = 0

    func account(of token: String, now: Double) -> String? {
        access[token].flatMap { now < $0.endsAt ? $0.account : nil }
    }

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
        case ["oauth2", "token"]: return renew(request, behaviour, now)
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
        // Unknown, expired, taken or turned down: a new code.
        guard var pin = pins[code], now < pin.endsAt, !pin.isGone else { return begin(behaviour, now) }
        let isTooFast = now - pin.lastPoll < behaviour.pinIntervalSeconds * 0.9
        pin.lastPoll = now
        pins[code] = pin
        if isTooFast { return .json(.members(["result": "KO", "message": "Slow down"])) }
        guard let account = pin.account else {
            return .json(.members(["result": "KO", "message": "Authorization pending"]))
        }
        pins[code]?.isGone = true
        return .json(give(account, behaviour, now, refresh: nil))
    }

    private mutating func give(
        _ account: String, _ behaviour: SimklAccounts.Behaviour, _ now: Double, refresh kept: String?
    ) -> JSONValue {
        let token = Hex.encode(RandomBytes.make(20))
        let life = behaviour.isV2 ? Double(behaviour.lifeSeconds) : 157_680_000
        access[token] = (account, now + life)
        let answer = JSONValue.members(["result": "OK", "access_token": .string(token)])
        guard behaviour.isV2 else { return answer }
        let renewer = kept ?? Hex.encode(RandomBytes.make(20))
        refresh[renewer] = account
        return answer.adding([
            "refresh_token": .string(renewer), "expires_in": .whole(behaviour.lifeSeconds), "token_type": "bearer",
        ])
    }

    /// The token to renew by stays the same; the access tokens before end at once.
    private mutating func renew(
        _ request: UpstreamRequest, _ behaviour: SimklAccounts.Behaviour, _ now: Double
    ) -> UpstreamResponse {
        let form = AddressText.query(String(decoding: request.body, as: UTF8.self))
        func field(_ name: String) -> String? { form.first { $0.name == name }?.value }
        guard field("client_id") == SimklEmulator.clientID else { return SimklAccounts.failure("invalid_client", 401) }
        guard field("grant_type") == "refresh_token", let renewer = field("refresh_token"),
            let account = refresh[renewer]
        else { return SimklAccounts.failure("invalid_grant", 400) }
        access = access.filter { $0.value.account != account }
        renewals += 1
        return .json(give(account, behaviour, now, refresh: renewer))
    }
}
