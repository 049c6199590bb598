import Contracts
import Postgres
import RPC
import Store

/// `confirmSecondFactor`: turns on the factor that was begun, if the caller shows one of its codes, and ends all other
/// sessions. The recovery codes are shown here and never again.
struct ConfirmSecondFactor: Sendable {
    let accounts: Accounts
    let once: OnceStore

    func run(
        _ input: ConfirmSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RecoveryCodes> {
        let deadline = context.rpc.deadline
        let mark = OnceStore.Mark(context, caller)
        // For a repeated request the factor is on by now.
        if let kept: RecoveryCodes = try await once.kept(mark, until: deadline) { return EdgeReply(kept) }
        let attempt = LoginAttempt.code(by: caller.user, limits: accounts.limits)
        try await accounts.admit(attempt, until: deadline)
        let now = accounts.clock.now
        let begunSince = now.advanced(by: .zero - accounts.limits.factorBeginningMax)
        let made: RecoveryCodes = try await accounts.afterCode(attempt) { () async throws(RPCError) in
            try await once.write(mark, until: deadline) { transaction throws(PGError) in
                let user = PGValue.id(caller.user)
                let session = PGValue.id(SessionID(caller.credential))
                // A concurrent login without a code comes first and its session ends, or comes later and gets none.
                try await transaction.execute(GatewayQueries.lockPerson, [user])
                guard try await transaction.first(GatewayQueries.isSession, [user, session]) != nil else {
                    return .failure(.unauthenticated("the session has ended"))
                }
                let outcome = try await accounts.factors.confirm(
                    input.body.code, of: caller.user, at: now, begunSince: begunSince,
                    codesCount: accounts.limits.recoveryCodesCount, transaction)
                guard case .success(let codes) = outcome else { return outcome }
                try await transaction.execute(GatewayQueries.endOtherSessions, [user, session])
                try await transaction.execute(GatewayQueries.clearFailures, [.bytea(attempt.cleared.digest)])
                return .success(codes)
            }
        }
        accounts.callers.forget { $0.user == caller.user && $0.credential != caller.credential }
        return EdgeReply(made)
    }
}
