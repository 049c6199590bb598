import Contracts
import RPC
import Store

/// `scrobble.deleteHook`: deletes a hook and its deliveries. Repeating it changes nothing.
struct DeleteHook: Sendable {
    let store: HookStore

    func run(_ params: DeleteHookParams, _ context: RPCContext) async throws(RPCError) -> HookRemoval {
        let isRemoved = try await asking { () throws(StoreError) in
            try await store.delete(params.hook, of: params.user, until: context.deadline)
        }
        return HookRemoval(removed: isRemoved)
    }
}
