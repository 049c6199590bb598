import Contracts
import RPC
import Store

/// `scrobble.previewUndo`: what undoing a batch would do. Nothing is changed.
struct PreviewUndo: Sendable {
    let undoing: BatchUndo

    func run(_ params: PreviewUndoParams, _ context: RPCContext) async throws(RPCError) -> UndoReport {
        guard let batch = try await undoing.batch(params.batch, of: params.user, until: context.deadline) else {
            throw .batchNotFound("there is no such batch")
        }
        try batch.checkAge()
        return batch.state == .undoing || batch.state == .undone
            ? try await undoing.report(on: batch, of: params.user, until: context.deadline)
            : try await undoing.preview(of: batch, of: params.user, context)
    }
}
