import Contracts
import RPC
import Store

/// `scrobble.retryJob`: queues a dead job again, behind the waiting ones.
struct RetryJob: Sendable {
    let store: QueueStore
    let queue: QueueWorker

    func run(_ params: RetryJobParams, _ context: RPCContext) async throws(RPCError) -> JobChange {
        let changed = try await asking { () throws(StoreError) in
            try await store.revive(params.job.uuid, of: params.user, until: context.deadline)
        }
        if changed { queue.announce() }
        return JobChange(changed: changed)
    }
}
