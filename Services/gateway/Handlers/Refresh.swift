import Contracts
import Cryptography
import RPC

/// `refresh`: exchanges a refresh token for the next pair of tokens of its session.
struct Refresh: Sendable {
    let accounts: Accounts

    func run(_ input: RefreshInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        guard
            let presented = OpaqueToken(
                presented: Secret(input.body.refreshToken), prefix: Accounts.refreshPrefix)
        else { throw Self.worthless }
        guard
            let renewed = try await accounts.renew(presented, for: context.subject, until: context.rpc.deadline)
        else { throw Self.worthless }
        let session = renewed.session
        accounts.callers.forget { $0.credential == session.id.uuid }
        accounts.callers.learn([renewed.token.digest])
        return EdgeReply(
            SessionGrant(
                token: renewed.token.text.revealed, expiresAt: session.expiresAt,
                refreshToken: renewed.refresh.text.revealed, refreshExpiresAt: session.refreshExpiresAt,
                user: session.user))
    }

    private static var worthless: RPCError { .invalidRefreshToken("log in again") }
}
