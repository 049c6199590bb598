import Contracts
import Postgres
import Store

/// Facets that stand still, as a plan finds them.
extension SyncStore {
    /// In the transaction that keeps the plan: what was taken up again, and what was refused while it was read.
    func putStops(_ draft: SyncDraft, _ run: ClaimedRun, in transaction: PGTransaction) async throws(PGError) {
        let key: [PGValue] = [.id(run.user), .word(run.provider)]
        if !draft.lifted.isEmpty {
            try await transaction.execute(
                StopQueries.lift, key + [.textArray(draft.lifted.map(\.rawValue).sorted())])
        }
        for (facet, cause) in draft.barred {
            try await transaction.execute(
                StopQueries.barReading,
                key + [.word(facet), .word(cause), .double(TraktLimits.stoppedFor.inSeconds)])
        }
    }
}
