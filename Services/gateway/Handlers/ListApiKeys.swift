import Contracts
import RPC
import Store

/// `listApiKeys`: a person's keys, without their texts.
struct ListApiKeys: Sendable {
    let accounts: Accounts

    func run(
        _ input: ListApiKeysInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ApiKeyList> {
        let keys = try await asking { () throws(StoreError) in
            try await accounts.store.keys(of: caller.user, limits: accounts.limits, until: context.rpc.deadline)
        }
        return EdgeReply(ApiKeyList(items: keys))
    }
}
