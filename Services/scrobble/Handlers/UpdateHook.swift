import Contracts
import RPC
import Store

/// `scrobble.updateHook`: changes the settings that are named.
struct UpdateHook: Sendable {
    let store: HookStore

    func run(_ params: UpdateHookParams, _ context: RPCContext) async throws(RPCError) -> Hook {
        let updated = try await asking { () throws(StoreError) in
            try await store.update(params, until: context.deadline)
        }
        switch updated {
        case .updated(let hook): return hook
        case .unexpected: throw .preconditionFailed("the hook is not in the expected state")
        case .noSuchHook: throw .hookNotFound("there is no such hook")
        }
    }
}
