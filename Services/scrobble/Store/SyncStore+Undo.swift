import Contracts
import Postgres
import Store

/// Undoing what a run has sent to another side.
extension SyncStore {
    private static let rowsMax = 500

    func provider(
        of run: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> SyncProvider? {
        try await database.rows(UndoQueries.provider, [.id(user), .id(run)], until: deadline).first
    }

    /// Whether no run of a connection is being applied. Takes the lock under which plans are stored.
    func isQuiet(_ lane: LaneKey, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(LedgerQueries.lock, [.text(lane.user.description)])
            return try await transaction.first(UndoQueries.applying, [.id(lane.user), .word(lane.provider)]) == nil
        }
    }

    /// A run's changes on their side after a position, with what is agreed on now.
    func told(
        by run: BatchID, _ user: UserID, after position: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ToldChange] {
        try await database.rows(
            UndoQueries.told, [.id(user), .id(run), .int(position), .int(Self.rowsMax)], until: deadline)
    }

    /// How many of a run's changes were undone on their side, and how many are still on their way.
    func undone(
        by run: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (restored: Int, waiting: Int) {
        try await database.rows(UndoQueries.undone, [.id(user), .id(run)], until: deadline).first ?? (0, 0)
    }

    /// Removes from the queue the jobs of a run that nobody has begun to send.
    func takeBack(
        _ run: BatchID, _ lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            UndoQueries.takeBack, [.id(lane.user), .word(lane.provider), .id(run)], until: deadline)
    }

    /// Drops jobs for plays that both sides already have.
    func dropTold(_ base: [BaseRow], _ lane: LaneKey, in transaction: PGTransaction) async throws(PGError) {
        let names = base.filter { $0.facet == .history && $0.theirs != nil && !$0.isApart }.map {
            "play \(PlayID($0.item))"
        }
        guard !names.isEmpty else { return }
        try await transaction.execute(
            UndoQueries.dropTold, [.id(lane.user), .word(lane.provider), .textArray(names)])
    }

    /// Records that the undo of a run's changes here leaves both sides apart: the other side keeps what it has, and
    /// neither is corrected.
    func setApart(
        _ run: BatchID, _ lane: LaneKey, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let values: [PGValue] = [.id(lane.user), .word(lane.provider), .id(run), .moment(moment)]
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(UndoQueries.setApart, values)
            try await transaction.execute(UndoQueries.setPlaysApart, values)
        }
    }

    /// Queues jobs that undo changes on the other side. What is already on its way is not sent twice.
    func undo(
        _ steps: [UndoStep], of run: BatchID, _ lane: LaneKey, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        guard !steps.isEmpty else { return }
        let key: [PGValue] = [.id(lane.user), .id(run)]
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            // A concurrent caller finds them already undone.
            let gone = Set(
                try await transaction.query(
                    UndoQueries.mark, key + [.int4Array(steps.map { Int32(clamping: $0.gone) })]))
            var inverse = steps.filter { gone.contains($0.gone) }.compactMap(\.inverse)
            guard !inverse.isEmpty else { return }
            let start = try await transaction.first(UndoQueries.lastPosition, key) ?? 0
            for index in inverse.indices { inverse[index].change.position = start + 1 + index }
            try await transaction.execute(SyncQueries.addChanges, key + Self.values(inverse.map(\.change)[...]))
            try await putBase(inverse.map(\.base), lane, at: moment, in: transaction)
            let queued = Set(try await QueueStore.enqueue(inverse.map(\.job), in: transaction))
            for index in inverse.indices {
                let isQueued = queued.contains(inverse[index].job.id)
                inverse[index].change.state = isQueued ? .queued : .skipped
                inverse[index].change.reason = isQueued ? nil : "it is already in the queue"
            }
            try await settle(
                inverse.map(\.change), jobs: inverse.map(\.job.id), run, of: lane.user, in: transaction)
        }
    }
}

/// A change that is undone, and its inverse; nil if nothing is left of it.
struct UndoStep: Sendable {
    struct Inverse: Sendable {
        var change: SyncChange
        let job: NewJob
        let base: BaseRow
    }

    /// The change's position in the run.
    let gone: Int
    let inverse: Inverse?
}
