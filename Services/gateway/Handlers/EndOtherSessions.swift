import Contracts
import RPC
import Store

/// `endOtherSessions`: ends all of a person's sessions but the requesting one, which must have logged in recently.
struct EndOtherSessions: Sendable {
    let accounts: Accounts

    func run(
        _ input: EndOtherSessionsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let isProven = try await asking { () throws(StoreError) in
            try await accounts.store.endSessions(
                of: caller.user, but: SessionID(caller.credential), freshSince: accounts.reauthenticatedSince,
                until: context.rpc.deadline)
        }
        guard isProven else { throw .notReauthenticated }
        accounts.callers.forget { $0.user == caller.user && $0.scopes == nil && $0.credential != caller.credential }
        return .nothing()
    }
}
