import Contracts
import RPC
import Store

/// Undoes batches: in the ledger, in ratings and in the account elsewhere.
struct BatchUndo: Sendable {
    /// How long a call works on an undo before it leaves the rest to `LedgerKeeper`.
    static let callTime = Duration.seconds(8)

    let batches: BatchStore
    let ratings: RatingsClient
    let syncs: SyncUndo
    let clock: any WallClock

    func pending(limit: Int, until deadline: ContinuousClock.Instant) async throws(StoreError) -> [BatchKey] {
        try await batches.undoing(limit: limit, until: deadline)
    }

    func batch(
        _ batch: BatchID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> StoredBatch? {
        try await asking { () throws(StoreError) in
            try await batches.batch(batch, of: user, until: deadline)
        }
    }

    /// Marks a batch as being undone, whoever does it. One that was never written is undone at once.
    func begin(
        _ batch: StoredBatch, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) {
        let next: BatchState = batch.state == .planned ? .undone : .undoing
        try batch.checkAge()
        let begun = try await asking { () throws(StoreError) in
            try await batches.advance(batch.id, of: user, to: next, at: clock.now, until: deadline)
        }
        // It may have grown too old in between.
        if begun == nil { try await self.batch(batch.id, of: user, until: deadline)?.checkAge() }
    }

    /// Undoes the rest of a batch that is being undone, and marks it as undone at the end. May be interrupted and
    /// repeated.
    func finish(
        _ batch: BatchID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) {
        guard let stored = try await self.batch(batch, of: user, until: deadline), stored.state == .undoing else {
            return
        }
        // No new writes begin; those in progress finish first.
        let isQuiet = try await asking { () throws(StoreError) in
            try await batches.isQuiet(batch, of: user, until: deadline)
        }
        guard isQuiet else { return }
        let lane = try await asking { () throws(StoreError) in try await syncs.lane(of: batch, user, until: deadline) }
        if let lane {
            // A run that was planned before is applied first.
            let mayBegin = try await asking { () throws(StoreError) in
                try await syncs.mayBegin(lane, until: deadline)
            }
            guard mayBegin else { return }
        }
        _ = try await asking { () throws(StoreError) in
            try await batches.undoNotes(of: batch, user, until: deadline)
        }
        var place: TouchedItem?
        repeat {
            place = try await asking { () throws(StoreError) in
                try await batches.undoSome(of: batch, user, after: place, at: clock.now, until: deadline)
            }
        } while place != nil
        try await eachPage { cursor async throws(RPCError) in
            try await ratings.restoreBatch(
                RestoreBatchParams(user: user, batch: batch, undo: stored.undo, cursor: cursor),
                RPCCall(deadline: deadline))
        }
        if let lane {
            let isOver = try await asking { () throws(StoreError) in
                try await syncs.finish(batch, lane, until: deadline)
            }
            guard isOver else { return }
        }
        _ = try await asking { () throws(StoreError) in
            try await batches.advance(batch, of: user, to: .undone, at: clock.now, until: deadline)
        }
    }

    /// The result of an undo so far.
    func report(
        on batch: StoredBatch, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> UndoReport {
        let (fates, kept) = try await asking { () throws(StoreError) in
            (
                try await batches.fates(of: batch.id, user, until: deadline),
                try await batches.kept(of: batch.id, user, limit: LedgerLimits.keptItemsMax, until: deadline)
            )
        }
        var tally = UndoTally()
        tally.restored = fates.restored
        tally.kept = fates.kept
        tally.items = kept.map { KeptChange($0) }
        // A dry run changes nothing: it counts what was restored, and names what has been edited since.
        if batch.state == .undone, batch.undoneAt != nil {
            try await countRatings(of: batch, user, &tally, until: deadline)
        }
        let there = try await asking { () throws(StoreError) in
            try await syncs.count(of: batch.id, user, until: deadline)
        }
        tally.add(there)
        return tally.report(on: batch)
    }

    /// What an undo would result in; changes nothing.
    func preview(
        of batch: StoredBatch, of user: UserID, _ context: RPCContext
    ) async throws(RPCError) -> UndoReport {
        var tally = UndoTally()
        for facet in LedgerFacet.allCases {
            var place: TouchedItem?
            repeat {
                let items = try await asking { () throws(StoreError) in
                    try await batches.touched(by: batch.id, of: user, facet, after: place, until: context.deadline)
                }
                for item in items { tally.count(item, UndoRule.verdict(on: item, undoing: batch.id)) }
                place = items.count < LedgerLimits.undoItemsMax ? nil : items.last
            } while place != nil
        }
        try await countRatings(of: batch, user, &tally, until: context.deadline)
        let there = try await asking { () throws(StoreError) in
            try await syncs.preview(of: batch.id, user, until: context.deadline)
        }
        tally.add(there)
        return tally.report(on: batch)
    }

    private func countRatings(
        of batch: StoredBatch, _ user: UserID, _ tally: inout UndoTally, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) {
        var (restored, kept): (Int, [TitleID]) = (0, [])
        try await eachPage { cursor async throws(RPCError) in
            let page = try await ratings.restoreBatch(
                RestoreBatchParams(user: user, batch: batch.id, undo: batch.undo, dryRun: true, cursor: cursor),
                RPCCall(deadline: deadline))
            restored += page.restored.count
            kept += page.kept
            return page
        }
        tally.restored += restored
        for title in kept { tally.keep(KeptChange(facet: "rating", title: title, reason: .edited)) }
    }

    private func eachPage(
        _ ask: (String?) async throws(RPCError) -> RestoredBatch
    ) async throws(RPCError) {
        var cursor: String?
        repeat { cursor = try await ask(cursor).nextCursor } while cursor != nil
    }
}

extension StoredBatch {
    /// Throws `undoExpired` if the batch's changes are no longer known.
    func checkAge() throws(RPCError) {
        guard let forgottenAt else { return }
        throw .undoExpired("this batch could be undone until \(forgottenAt.date)")
    }
}

/// Counts the results of an undo.
struct UndoTally {
    var restored = 0
    var kept = 0
    var waiting = 0
    var items: [KeptChange] = []

    /// Adds the results in the account elsewhere.
    mutating func add(_ there: SyncUndo.Count) {
        restored += there.restored
        waiting += there.waiting
        for (change, reason) in there.kept {
            keep(
                KeptChange(
                    facet: change.facet.rawValue, title: change.title, play: change.play, reason: reason, side: .theirs
                ))
        }
    }

    mutating func count(_ item: TouchedItem, _ verdict: UndoVerdict) {
        guard verdict.isKept else {
            restored += 1
            return
        }
        let kept = KeptItem(facet: item.facet, item: item.item, list: item.list, title: item.title)
        keep(KeptChange(kept, reason: verdict == .keepEdit ? .edited : .shared))
    }

    mutating func keep(_ change: KeptChange) {
        kept += 1
        if items.count < LedgerLimits.keptItemsMax { items.append(change) }
    }

    func report(on batch: StoredBatch) -> UndoReport {
        UndoReport(
            batch: batch.contract, restored: restored, kept: kept, waiting: waiting == 0 ? nil : waiting,
            keptItems: items)
    }
}

extension KeptChange {
    init(_ kept: KeptItem, reason: KeptReason? = nil) {
        self.init(
            facet: kept.facet.rawValue, title: kept.title, play: kept.facet == .play ? PlayID(kept.item) : nil,
            list: kept.facet == .list ? ListID(kept.item) : kept.list, reason: reason)
    }
}
