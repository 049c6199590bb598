import Contracts
import RPC
import Store

/// `logout`: ends the session that the bearer token belongs to.
struct Logout: Sendable {
    let accounts: Accounts

    func run(
        _ input: LogoutInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        _ = try await asking { () throws(StoreError) in
            try await accounts.store.end(
                SessionID(caller.credential), of: caller.user, until: context.rpc.deadline)
        }
        accounts.callers.forget { $0.credential == caller.credential }
        return .nothing()
    }
}
