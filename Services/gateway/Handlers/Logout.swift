import Contracts
import RPC
import Store

/// `logout`: ends the session that the bearer token belongs to.
struct Logout: Sendable {
    let accounts: Accounts

    func run(
        _ input: LogoutInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await asking { () throws(StoreError) in
            try await accounts.store.end(SessionID(caller.credential), until: context.rpc.deadline)
        }
        return .nothing()
    }
}
