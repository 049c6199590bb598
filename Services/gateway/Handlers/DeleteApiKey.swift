import Contracts
import RPC
import Store

/// `deleteApiKey`: revokes an API key.
struct DeleteApiKey: Sendable {
    let accounts: Accounts

    func run(
        _ input: DeleteApiKeyInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let wasThere = try await asking { () throws(StoreError) in
            try await accounts.store.deleteKey(input.key, of: caller.user, until: context.rpc.deadline)
        }
        guard wasThere else { throw .apiKeyNotFound("you have no such key") }
        accounts.callers.forget { $0.credential == input.key.uuid }
        return .nothing()
    }
}
