import Contracts
import RPC
import Store

/// `scrobble.listHooks`: a person's hooks, oldest first.
struct ListHooks: Sendable {
    let store: HookStore

    func run(_ params: ListHooksParams, _ context: RPCContext) async throws(RPCError) -> HookList {
        let hooks = try await asking { () throws(StoreError) in
            try await store.list(of: params.user, until: context.deadline)
        }
        return HookList(hooks: hooks)
    }
}
