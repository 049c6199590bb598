import Contracts
import RPC
import Store

/// `scrobble.updateHook`: changes what is named.
struct UpdateHook: Sendable {
    let store: HookStore

    func run(_ params: UpdateHookParams, _ context: RPCContext) async throws(RPCError) -> Hook {
        let hook = try await asking { () throws(StoreError) in
            try await store.update(params, until: context.deadline)
        }
        guard let hook else { throw .hookNotFound("there is no such hook") }
        return hook
    }
}
