import Contracts
import RPC
import Store

/// `scrobble.assignHookAccount`: assigns an account on a media server to a person, and has its waiting deliveries
/// processed.
struct AssignHookAccount: Sendable {
    let store: HookStore
    let worker: HookWorker

    func run(_ params: AssignHookAccountParams, _ context: RPCContext) async throws(RPCError) -> HookAccount {
        let account = try await asking { () throws(StoreError) in
            try await store.assign(params, until: context.deadline)
        }
        guard let account else { throw .hookAccountNotFound("the hook has not heard from this account") }
        worker.announce()
        return account
    }
}
