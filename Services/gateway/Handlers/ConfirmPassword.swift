import Contracts
import Cryptography
import RPC
import Store

/// `confirmPassword`: the person of a session shows the password once more, and the session counts as one of a fresh login.
struct ConfirmPassword: Sendable {
    let accounts: Accounts

    func run(
        _ input: ConfirmPasswordInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let deadline = context.rpc.deadline
        let stored = try await asking { () throws(StoreError) in
            try await accounts.store.user(caller.user, until: deadline)
        }
        guard let stored else { throw .unauthenticated("the account is gone") }
        let attempt = LoginAttempt.confirmation(by: caller.user, limits: accounts.limits)
        try await accounts.admit(attempt, until: deadline)
        guard try await accounts.verify(input.body.password, against: stored.passwordHash, attempt) != .mismatch
        else { throw .wrongPassword("password: is not your password") }
        try await accounts.afterMatch(attempt) { () async throws(RPCError) in
            let isThere = try await asking { () throws(StoreError) in
                try await accounts.store.confirm(
                    SessionID(caller.credential), of: caller.user, attempt, at: accounts.clock.now, until: deadline)
            }
            guard isThere else { throw .unauthenticated("the session has ended") }
        }
        return .nothing()
    }
}
