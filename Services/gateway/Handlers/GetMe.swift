import Contracts
import RPC
import Store

/// `getMe`: the person that the bearer token belongs to.
struct GetMe: Sendable {
    let accounts: Accounts

    func run(
        _ input: GetMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        let stored = try await asking { () throws(StoreError) in
            try await accounts.store.user(caller.user, until: context.rpc.deadline)
        }
        guard let stored else { throw .unauthenticated("the account no longer exists") }
        return EdgeReply(stored.user)
    }
}
