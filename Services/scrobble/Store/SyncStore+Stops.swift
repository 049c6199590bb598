import Contracts
import Postgres
import Store

/// Stopped facets, as a plan finds them.
extension SyncStore {
    /// Records, in the transaction that stores the plan, which facets were resumed and which were refused during
    /// reading.
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
