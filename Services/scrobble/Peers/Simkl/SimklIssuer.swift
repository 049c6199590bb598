import Contracts
package import Cryptography
package import Store

/// Gets access tokens from Simkl for a refresh token that does not change (V2); the old access token expires at once.
package struct SimklIssuer: TokenIssuer {
    private let http: SimklHTTP
    private let clock: any WallClock

    package init(http: SimklHTTP, clock: any WallClock) {
        self.http = http
        self.clock = clock
    }

    package func tokens(for refresh: Secret, usesSecret: Bool) async -> TokenReply {
        let outcome = await http.form(
            "token", [("grant_type", "refresh_token"), ("refresh_token", refresh.revealed)],
            until: .now + TraktLimits.refreshTimeout)
        switch outcome {
        // A block passes by itself: nobody needs to be asked for anything.
        case .answered(let answer) where answer.status == 412: return .wait(SimklLimits.blockWait)
        case .answered(let answer): return TokenReply(simkl: answer, keeping: refresh, now: clock.now)
        case .unreachable, .untried: return .wait(.seconds(60))
        case .held(let time): return .wait(time)
        case .brokeOff: return .unknown
        }
    }
}
