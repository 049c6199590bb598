import Contracts
import Cryptography
import RPC
import Store

/// `login`: opens a session. An unknown name and a wrong password take the same time and get the same answer.
struct Login: Sendable {
    let accounts: Accounts

    func run(_ input: LoginInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        let deadline = context.rpc.deadline
        let username = Username(input.body.username)
        let account = try await asking { () throws(StoreError) in
            try await accounts.store.account(of: username, until: deadline)
        }
        let attempt = LoginAttempt.login(
            username, from: context.clientAddress, known: account?.networks ?? [], limits: accounts.limits)
        try await accounts.admit(attempt, until: deadline)
        let verdict = try await accounts.verify(input.body.password, against: account?.passwordHash)
        guard let account, case .match(let needsRehash) = verdict else {
            throw .invalidCredentials("user name or password is wrong")
        }
        let newHash = needsRehash ? try await accounts.hash(input.body.password) : nil
        let now = accounts.clock.now
        let (session, token, refresh) = accounts.newSession(
            at: now, device: input.body.device, address: context.clientAddress)
        do {
            try await accounts.store.open(
                GatewayStore.OpenedLogin(account: account, session: session, attempt: attempt, newHash: newHash),
                at: now, limits: accounts.limits, until: deadline)
        } catch .conflict {
            // The account was closed this very moment.
            throw .invalidCredentials("user name or password is wrong")
        } catch {
            throw error.asRPCError
        }
        return EdgeReply(SessionGrant(session, token, refresh, account.user))
    }
}
