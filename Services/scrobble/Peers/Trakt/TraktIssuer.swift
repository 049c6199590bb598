import Contracts
package import Cryptography
import JSON
package import Store

/// Gets new tokens from Trakt's token host.
package struct TraktIssuer: TokenIssuer {
    private let http: TraktHTTP
    private let clock: any WallClock

    package init(http: TraktHTTP, clock: any WallClock) {
        self.http = http
        self.clock = clock
    }

    package func tokens(for refresh: Secret, usesSecret: Bool) async -> TokenReply {
        var members: [(name: String, value: JSONValue)] = [
            ("grant_type", .string("refresh_token")), ("refresh_token", .string(refresh.revealed)),
            ("client_id", .string(http.settings.clientID.revealed)),
            ("redirect_uri", .string(http.settings.redirectURI)),
        ]
        if usesSecret, let secret = http.settings.clientSecret {
            members.append(("client_secret", .string(secret.revealed)))
        }
        return await TokenReply(
            http.authorize(
                "token", encodeJSON(JSONValue.object(JSONObject(members))), until: .now + TraktLimits.refreshTimeout),
            now: clock.now)
    }
}

extension TokenReply {
    init(_ outcome: TraktHTTP.Outcome, now: Timestamp) {
        switch outcome {
        case .answered(let answer): self = TokenReply(answer, now: now)
        case .unreachable, .untried: self = .wait(.seconds(60))
        case .brokeOff: self = .unknown
        }
    }
}
