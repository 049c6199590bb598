import Contracts
import Cryptography
import RPC
import Store

/// `login`: opens a session. An unknown name and a wrong password take the same time and get the same answer.
struct Login: Sendable {
    let accounts: Accounts

    func run(_ input: LoginInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        let deadline = context.rpc.deadline
        let account = try await asking { () throws(StoreError) in
            try await accounts.store.account(of: Username(input.body.username), until: deadline)
        }
        let verdict: PasswordVerdict
        do {
            verdict = try await accounts.hasher.verify(Secret(input.body.password), against: account?.passwordHash)
        } catch {
            throw error.asRPCError
        }
        guard let account, verdict != .mismatch else { throw .invalidCredentials("user name or password is wrong") }
        let now = accounts.clock.now
        let (session, token) = accounts.newSession(at: now)
        try await asking { () throws(StoreError) in
            try await accounts.store.open(session, for: account.user.id, at: now, until: deadline)
        }
        return EdgeReply(SessionGrant(token: token.text.revealed, expiresAt: session.expiresAt, user: account.user))
    }
}
