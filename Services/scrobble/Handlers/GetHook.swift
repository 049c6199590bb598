import Contracts
import RPC
import Store

/// `scrobble.getHook`: one hook.
struct GetHook: Sendable {
    let store: HookStore

    func run(_ params: GetHookParams, _ context: RPCContext) async throws(RPCError) -> Hook {
        let hook = try await asking { () throws(StoreError) in
            try await store.get(params.hook, of: params.user, until: context.deadline)
        }
        guard let hook else { throw .hookNotFound("there is no such hook") }
        return hook
    }
}
