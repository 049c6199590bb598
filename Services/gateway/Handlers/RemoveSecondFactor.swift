import Contracts
import JSON
import Postgres
import RPC
import Store

/// `removeSecondFactor`: takes the second factor away and ends all other sessions, for a session of a login lately that shows a code.
/// Where the installation wants everybody to have one, the session is good for getting another one, as with a device that is replaced.
struct RemoveSecondFactor: Sendable {
    let accounts: Accounts
    let once: OnceStore

    func run(
        _ input: RemoveSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let deadline = context.rpc.deadline
        let mark = OnceStore.Mark(context, caller)
        // The code that a repeated request shows was taken by now.
        if let _: JSONBytes = try await once.kept(mark, until: deadline) { return .nothing() }
        let attempt = LoginAttempt.code(by: caller.user, limits: accounts.limits)
        try await accounts.admit(attempt, until: deadline)
        let (now, freshSince) = (accounts.clock.now, accounts.reauthenticatedSince)
        try await accounts.afterCode(attempt) { () async throws(RPCError) in
            let _: JSONBytes = try await once.write(mark, until: deadline) { transaction throws(PGError) in
                let user = PGValue.id(caller.user)
                let session = PGValue.id(SessionID(caller.credential))
                try await transaction.execute(GatewayQueries.lockPerson, [user])
                let isProven = try await transaction.first(
                    GatewayQueries.isProvenSession, [user, session, .moment(freshSince)])
                guard isProven != nil else { return .failure(.notReauthenticated) }
                // Within minutes of a login with a code: what waits is enough.
                let verdict = try await accounts.factors.take(
                    input.body.code, of: caller.user, at: now, wrongMax: nil, transaction)
                switch verdict {
                case .absent: return .failure(.noSecondFactor)
                case .missing, .wrong: return .failure(.codeIsWrong)
                case .taken: break
                }
                _ = try await transaction.first(GatewayQueries.removeFactor, [user])
                try await transaction.execute(GatewayQueries.endOtherSessions, [user, session])
                try await transaction.execute(GatewayQueries.clearFailures, [.bytea(attempt.cleared.digest)])
                return .success(JSONBytes(encoding: true))
            }
        }
        accounts.callers.forget { $0.user == caller.user }
        return .nothing()
    }
}
