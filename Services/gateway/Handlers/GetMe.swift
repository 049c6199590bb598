import Contracts
import RPC
import Store

/// `getMe`: who the bearer token belongs to.
struct GetMe: Sendable {
    let accounts: Accounts

    func run(
        _ input: GetMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        let user = try await asking { () throws(StoreError) in
            try await accounts.store.user(caller.user, until: context.rpc.deadline)
        }
        guard let user else { throw .unauthenticated("the account is gone") }
        return EdgeReply(user)
    }
}
