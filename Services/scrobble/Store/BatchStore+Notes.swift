import Contracts
import Postgres
import Store

extension BatchStore {
    /// Undoes what a batch wrote beside plays that already existed, including where others have written since. Notes
    /// beside the batch's own plays are deleted with those plays.
    func undoNotes(
        of batch: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        _ = try await database.run(
            together: ImportNoteQueries.undo.map { $0.bound([.id(user), .id(batch)]) }, until: deadline)
    }
}
