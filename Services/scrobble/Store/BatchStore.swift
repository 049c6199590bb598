package import Contracts
import JSON
import Postgres
package import Store

/// Batches in Postgres: what was written together, and undoing it.
package struct BatchStore: Sendable {
    let database: Database
    private let ids: any IDSource

    package init(database: Database, ids: any IDSource) {
        self.database = database
        self.ids = ids
    }

    // MARK: Life

    /// Opens a batch; an existing one stays as it is. Call it before the batch's first write, because writes refer to
    /// it. `asOf` is when the files of an import were written, if they say so.
    package func open(
        _ batch: BatchID, of user: UserID, source: String, label: String?, as state: BatchState,
        at moment: Timestamp, asOf: Timestamp? = nil, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            BatchQueries.open,
            [
                .id(user), .id(batch), .text(source), .text(label), .word(state), .id(BatchID(ids.next())),
                .moment(moment), .moment(asOf),
            ], until: deadline)
    }

    /// Moves a batch to its next state and returns it; nil if its current state does not lead there. Nil `counts` leave
    /// the counts unchanged.
    @discardableResult
    package func advance(
        _ batch: BatchID, of user: UserID, to state: BatchState, counts: BatchCounts? = nil, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> StoredBatch? {
        try await database.rows(
            BatchQueries.advance,
            [
                .id(user), .id(batch), .textArray(state.before.map(\.rawValue)), .word(state), .moment(moment),
                .jsonb(counts.map { encodeJSON($0) }),
            ], until: deadline
        ).first
    }

    // MARK: Who writes

    /// Whether a caller may write into a batch. Once an undo has begun nobody may; the undo waits until all writers are
    /// done or their time is up. `begins` is false for a writer that continues.
    package func mayWrite(
        _ batch: BatchID, of user: UserID, begins: Bool, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.rows(
            BatchQueries.write,
            [.id(user), .id(batch), .double(LedgerLimits.writeTime.inSeconds), .int(begins ? 1 : 0)], until: deadline
        ).first == true
    }

    package func endWrite(
        _ batch: BatchID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(BatchQueries.endWrite, [.id(user), .id(batch)], until: deadline)
    }

    /// Records that more was written into a batch that was already applied.
    package func extend(
        _ batch: BatchID, of user: UserID, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(BatchQueries.extend, [.id(user), .id(batch), .moment(moment)], until: deadline)
    }

    package func isQuiet(
        _ batch: BatchID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.rows(BatchQueries.isQuiet, [.id(user), .id(batch)], until: deadline).first ?? true
    }

    // MARK: Looking

    package func batch(
        _ batch: BatchID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> StoredBatch? {
        try await database.rows(BatchQueries.get, [.id(user), .id(batch)], until: deadline).first
    }

    /// The batches after `place`, newest first.
    package func page(
        of user: UserID, after place: ShelfCursor, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [StoredBatch] {
        try await database.rows(
            BatchQueries.page, [.id(user), .moment(place.at), .id(place.title), .int(limit)], until: deadline)
    }

    /// At most `limit` batches whose undo is under way.
    package func undoing(
        limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [BatchKey] {
        try await database.rows(BatchQueries.undoing, [.int(limit)], until: deadline)
    }

    /// The number of plays that a batch created, and the number that it restored.
    package func countPlays(
        of batch: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (made: Int, restored: Int) {
        try await database.rows(BatchQueries.plays, [.id(user), .id(batch)], until: deadline).first ?? (0, 0)
    }

    // MARK: Old ones

    /// Deletes some of what batches created before `moment` changed. Returns whether there may be more.
    package func forget(
        before moment: Timestamp, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let count = LedgerLimits.forgottenBatchesMax
        let forgotten = try await database.rows(
            BatchQueries.forget, [.moment(moment), .moment(now), .int(count)], until: deadline)
        let removed = try await database.rows(
            BatchQueries.removeChanges, [.int(count), .int(LedgerLimits.forgottenChangesMax)], until: deadline)
        guard removed.count < LedgerLimits.forgottenChangesMax else { return true }
        let swept = try await database.rows(BatchQueries.swept, [.int(count)], until: deadline)
        return forgotten.count == count || swept.count == count
    }

    // MARK: Taking back

    /// The items of one facet that are still to be undone: `LedgerLimits.undoItemsMax` after a place. `UndoRule`
    /// decides what happens to each. Nothing is written.
    package func touched(
        by batch: BatchID, of user: UserID, _ facet: LedgerFacet, after place: TouchedItem?,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TouchedItem] {
        guard let statement = BatchQueries.touched[facet] else { return [] }
        return try await database.rows(statement, Self.touchedValues(batch, user, after: place), until: deadline)
    }

    /// Undoes at most `LedgerLimits.undoItemsMax` items after a place. Returns the last of them, or nil if none were
    /// left.
    package func undoSome(
        of batch: BatchID, _ user: UserID, after place: TouchedItem?, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TouchedItem? {
        let facets = LedgerFacet.allCases
        for facet in facets.drop(while: { place != nil && $0 != place?.facet }) {
            guard let statement = BatchQueries.touched[facet] else { continue }
            let values = Self.touchedValues(batch, user, after: place?.facet == facet ? place : nil)
            let last = try await database.transaction(until: deadline) { transaction throws(PGError) -> TouchedItem? in
                try await transaction.execute(LedgerQueries.lock, [.text(user.description)])
                let items = try await transaction.query(statement, values)
                if !items.isEmpty { try await undo(items, facet, batch, user, at: moment, in: transaction) }
                return items.last
            }
            if let last { return last }
        }
        return nil
    }

    /// The result of an undo so far.
    package func fates(
        of batch: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> UndoCounts {
        try await database.rows(BatchQueries.fates, [.id(user), .id(batch)], until: deadline).first
            ?? UndoCounts(restored: 0, kept: 0)
    }

    /// At most `limit` items that an undo left unchanged.
    package func kept(
        of batch: BatchID, _ user: UserID, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [KeptItem] {
        try await database.rows(BatchQueries.kept, [.id(user), .id(batch), .int(limit)], until: deadline)
    }

    private static func touchedValues(_ batch: BatchID, _ user: UserID, after place: TouchedItem?) -> [PGValue] {
        [
            .id(user), .id(batch), .id(place.map { $0.list ?? noList } ?? noList),
            .uuid(PGUUID(place?.item ?? UUIDBits(high: 0, low: 0))), .int(LedgerLimits.undoItemsMax),
        ]
    }

    private static let noList = ListID(UUIDBits(high: 0, low: 0))

    private func undo(
        _ items: [TouchedItem], _ facet: LedgerFacet, _ batch: BatchID, _ user: UserID, at moment: Timestamp,
        in transaction: PGTransaction
    ) async throws(PGError) {
        let verdicts = items.map { ($0, UndoRule.verdict(on: $0, undoing: batch)) }
        func keys(_ wanted: UndoVerdict) -> [PGValue]? {
            let chosen = verdicts.filter { $0.1 == wanted }.map(\.0)
            guard !chosen.isEmpty else { return nil }
            return [
                .id(user), .id(batch), .ids(chosen.map { $0.list ?? Self.noList }),
                .uuidArray(chosen.map { PGUUID($0.item) }),
            ]
        }
        if facet == .play {
            // A play that stays because others reported it still loses the batch's source row; an edited play keeps it.
            let plays = verdicts.filter { $0.1 != .keepEdit }.map { PGUUID($0.0.item) }
            try await transaction.execute(
                BatchQueries.eraseRoads, [.id(user), .id(batch), .uuidArray(plays)])
            // A play that another batch has written since is handed over to that batch.
            let overwritten = verdicts.filter { $0.1 == .keepEdit && $0.0.batchNow != nil }.map { PGUUID($0.0.item) }
            if !overwritten.isEmpty {
                try await transaction.execute(
                    BatchQueries.handOver, [.id(user), .id(batch), .uuidArray(overwritten)])
            }
        }
        if facet == .play {
            let made = verdicts.filter { $0.1 == .erase }.map { PlayID($0.0.item) }
            if !made.isEmpty { try await untell(made, batch, user, at: moment, in: transaction) }
        }
        if let values = keys(.putBack), let putBack = BatchQueries.putBack[facet] {
            let plays = facet == .play ? verdicts.filter { $0.1 == .putBack }.map { PGUUID($0.0.item) } : []
            var moved: [MovedPlay] = []
            if !plays.isEmpty {
                moved = try await transaction.query(BatchQueries.moved, [.id(user), .id(batch), .uuidArray(plays)])
            }
            try await transaction.execute(putBack, values)
            if !plays.isEmpty {
                try await transaction.execute(BatchQueries.findAgain, [.id(user), .id(batch), .uuidArray(plays)])
            }
            // Other accounts move these plays back to their former day, too.
            try await LedgerStore(database: database, ids: ids).tell(
                of: moved, as: .bulk, because: "undone", user, at: moment, in: transaction)
        }
        if let values = keys(.erase), let erase = BatchQueries.erase[facet] {
            try await transaction.execute(erase, values)
        }
        let told = verdicts.filter { $0.1 == .takeRoad }.map { PGUUID($0.0.item) }
        if !told.isEmpty { try await transaction.execute(BatchQueries.eraseUntold, [.id(user), .uuidArray(told)]) }
        try await transaction.execute(
            BatchQueries.settle,
            [
                .id(user), .id(batch), .word(facet), .ids(items.map { $0.list ?? Self.noList }),
                .uuidArray(items.map { PGUUID($0.item) }),
                .textArray(verdicts.map { $0.1.isKept ? "kept" : "restored" }),
            ])
    }

    /// Removes plays of the batch from other accounts that were told of them. Such plays are marked as removed here
    /// rather than deleted, so that a reading that still shows them does not bring them back. What a sync brought was
    /// not reported by Reelay.
    private func untell(
        _ plays: [PlayID], _ batch: BatchID, _ user: UserID, at moment: Timestamp, in transaction: PGTransaction
    ) async throws(PGError) {
        let told = try await transaction.query(BatchQueries.told, [.id(user), .id(batch), .ids(plays)])
        _ = try await QueueStore.withdraw(
            plays.map { "play \($0)" }, of: user, because: "undone", in: transaction)
        let writer = LedgerWriter(
            user: user, source: LedgerWriter.byPerson, batch: nil, at: moment, authority: .plan)
        _ = try await LedgerStore(database: database, ids: ids).remove(told, by: writer, telling: true, in: transaction)
    }
}
