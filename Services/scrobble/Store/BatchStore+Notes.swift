import Contracts
import Postgres
import Store

extension BatchStore {
    /// Takes back what a batch wrote beside plays that were there before it, also where another has written since; what stands
    /// beside its own goes with these.
    func undoNotes(
        of batch: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        _ = try await database.run(
            together: ImportNoteQueries.undo.map { $0.bound([.id(user), .id(batch)]) }, until: deadline)
    }
}
