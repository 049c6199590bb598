import Contracts
import Cryptography
import RPC
import Store

/// `refresh`: changes a refresh token for the next pair of tokens of its session.
struct Refresh: Sendable {
    let accounts: Accounts

    func run(_ input: RefreshInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        guard
            let presented = OpaqueToken(
                presented: Secret(input.body.refreshToken), prefix: Accounts.refreshPrefix)
        else { throw Self.worthless }
        let now = accounts.clock.now
        let (stored, token, refresh) = accounts.newTokens(at: now)
        let renewed = try await asking { () throws(StoreError) in
            try await accounts.store.refresh(
                presented.digest, to: stored, at: now, limits: accounts.limits, until: context.rpc.deadline)
        }
        guard let renewed else { throw Self.worthless }
        accounts.callers.forget { $0.credential == renewed.id.uuid }
        return EdgeReply(
            SessionGrant(
                token: token.text.revealed, expiresAt: renewed.expiresAt, refreshToken: refresh.text.revealed,
                refreshExpiresAt: renewed.refreshExpiresAt, user: renewed.user))
    }

    private static var worthless: RPCError { .invalidRefreshToken("log in again") }
}
