import Contracts
import RPC
import Store

/// `scrobble.cancelJob`: cancels a job that nobody has begun to send.
struct CancelJob: Sendable {
    let store: QueueStore

    func run(_ params: CancelJobParams, _ context: RPCContext) async throws(RPCError) -> JobChange {
        let changed = try await asking { () throws(StoreError) in
            try await store.cancel(params.job.uuid, of: params.user, until: context.deadline)
        }
        return JobChange(changed: changed)
    }
}
