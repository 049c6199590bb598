import Contracts
import RPC
import Store

/// `scrobble.undoBatch`: undoes what a batch has written, here and in the ratings service.
struct UndoBatch: Sendable {
    let undoing: BatchUndo
    let queue: QueueWorker

    func run(_ params: UndoBatchParams, _ context: RPCContext) async throws(RPCError) -> UndoReport {
        guard let batch = try await undoing.batch(params.batch, of: params.user, until: context.deadline) else {
            throw .batchNotFound("there is no such batch")
        }
        try await undoing.begin(batch, of: params.user, until: context.deadline)
        // What does not fit into this call's time is finished by the keeper.
        let deadline = min(context.deadline, .now + BatchUndo.callTime)
        do throws(RPCError) {
            try await undoing.finish(batch.id, of: params.user, until: deadline)
        } catch  where error.isRetryable {}
        queue.announce()
        guard let now = try await undoing.batch(params.batch, of: params.user, until: context.deadline) else {
            throw .batchNotFound("there is no such batch")
        }
        return try await undoing.report(on: now, of: params.user, until: context.deadline)
    }
}
