import Contracts
import JSON
import Postgres
import RPC
import Store

/// `removeSecondFactor`: removes the second factor and ends all other sessions, given a recent login and a code. If the
/// installation requires a factor, the session can then only set up another, as for a replaced device.
struct RemoveSecondFactor: Sendable {
    let accounts: Accounts
    let once: OnceStore

    func run(
        _ input: RemoveSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let deadline = context.rpc.deadline
        let mark = OnceStore.Mark(context, caller)
        // The code in a repeated request has been taken by now.
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
                // The login was minutes ago and needed a code, so the delays are limit enough.
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
