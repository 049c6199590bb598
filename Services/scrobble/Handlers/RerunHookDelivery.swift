import Contracts
import RPC
import Store

/// `scrobble.rerunHookDelivery`: processes a delivery again.
struct RerunHookDelivery: Sendable {
    let store: HookStore
    let worker: HookWorker

    func run(_ params: RerunHookDeliveryParams, _ context: RPCContext) async throws(RPCError) -> DeliveryRerun {
        let isQueued = try await asking { () throws(StoreError) in
            try await store.rerun(params.delivery, of: params.hook, params.user, until: context.deadline)
        }
        guard let isQueued else { throw .deliveryNotFound("the hook has no such delivery") }
        if isQueued { worker.announce() }
        return DeliveryRerun(queued: isQueued)
    }
}
