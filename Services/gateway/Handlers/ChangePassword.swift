import Contracts
import Cryptography
import JSON
import Postgres
import RPC
import Store

/// `changePassword`: sets a new password, given the current one, and ends all other sessions. The last password that an
/// administrator gave cannot be chosen again, however many have been set since.
struct ChangePassword: Sendable {
    let accounts: Accounts
    let once: OnceStore

    func run(
        _ input: ChangePasswordInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let deadline = context.rpc.deadline
        let mark = OnceStore.Mark(context, caller)
        // The current password in a repeated request is the old one by now.
        if let _: JSONBytes = try await once.kept(mark, until: deadline) { return .nothing() }
        let stored = try await asking { () throws(StoreError) in
            try await accounts.store.user(caller.user, until: deadline)
        }
        guard let stored else { throw .unauthenticated("the account no longer exists") }
        let attempt = LoginAttempt.confirmation(by: caller.user, limits: accounts.limits)
        try await accounts.admit(attempt, until: deadline)
        guard try await accounts.verify(input.body.currentPassword, against: stored.passwordHash, attempt) != .mismatch
        else {
            // The same request may have changed it a moment ago.
            if let _: JSONBytes = try await once.kept(mark, until: deadline) { return .nothing() }
            throw .wrongPassword("current_password: is not your password")
        }
        try await accounts.afterMatch(attempt) { () async throws(RPCError) in
            try await accounts.checkNew(
                input.body.newPassword, of: Username(stored.user.username), until: deadline)
            if let given = stored.givenHash,
                try await accounts.verify(input.body.newPassword, against: given) != .mismatch
            {
                throw .weakPassword("new_password: is the one that you were given; choose another")
            }
            let hash = try await accounts.hash(input.body.newPassword)
            let _: JSONBytes = try await once.write(mark, until: deadline) { transaction throws(PGError) in
                let user = PGValue.id(caller.user)
                let session = PGValue.id(SessionID(caller.credential))
                // An administrator may just have set another one, which ends the session; theirs takes precedence.
                try await transaction.execute(GatewayQueries.lockPerson, [user])
                guard try await transaction.first(GatewayQueries.isSession, [user, session]) != nil else {
                    return .failure(.unauthenticated("the session has ended"))
                }
                try await transaction.execute(GatewayQueries.setPassword, [user, .text(hash)])
                try await transaction.execute(GatewayQueries.endOtherSessions, [user, session])
                try await transaction.execute(GatewayQueries.clearFailures, [.bytea(attempt.cleared.digest)])
                return .success(JSONBytes(encoding: true))
            }
        }
        accounts.callers.forget { $0.user == caller.user && $0.credential != caller.credential }
        return .nothing()
    }
}
