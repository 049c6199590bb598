package import Contracts
import Cryptography
import Postgres
package import Store

/// Runs, plans, bases and conflicts of syncs in Postgres.
package struct SyncStore: Sendable {
    let database: Database
    private let ids: any IDSource
    package let limits: SyncLimits

    package init(database: Database, ids: any IDSource, limits: SyncLimits = SyncLimits()) {
        self.database = database
        self.ids = ids
        self.limits = limits
    }

    // MARK: Runs

    /// Requests a run; nil if the connection has an open one.
    package func open(
        _ lane: LaneKey, isDry: Bool, confirms: BatchID?, in timeZone: String? = nil, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> BatchID? {
        let id = BatchID(ids.next())
        if let timeZone {
            try await database.run(
                ConnectionQueries.setTimeZone, [.id(lane.user), .word(lane.provider), .text(timeZone)], until: deadline)
        }
        let opened = try await database.rows(
            SyncQueries.open,
            [.id(lane.user), .id(id), .word(lane.provider), .bool(isDry), .id(confirms), .moment(moment)],
            until: deadline)
        return opened.isEmpty ? nil : id
    }

    /// Requests runs for connections that have not been synced for a while. Returns how many. Replicas do not get in
    /// each other's way.
    @discardableResult
    package func openDue(
        of providers: [SyncProvider], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Int {
        try await database.rows(
            SyncQueries.openDue,
            [
                .textArray(providers.map(\.rawValue)), .double(limits.pollEvery.inSeconds),
                .uuidArray((0..<limits.pollMax).map { _ in PGUUID(ids.next()) }),
                .double(limits.activeFor.inSeconds),
            ], until: deadline
        ).count
    }

    /// Deletes a run that nobody requested and that found nothing to do.
    package func dropIdle(_ run: ClaimedRun, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(SyncQueries.dropIdle, [.id(run.user), .id(run.id)], until: deadline)
    }

    package func claim(
        _ count: Int, of providers: [SyncProvider], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ClaimedRun] {
        try await database.rows(
            SyncQueries.claim,
            [.double(limits.lease.inSeconds), .int(count), .textArray(providers.map(\.rawValue))], until: deadline)
    }

    /// Renews a run's lease; false if it was lost.
    package func hold(_ run: ClaimedRun, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        try await !database.rows(SyncQueries.hold, holdValues(run), until: deadline).isEmpty
    }

    private func holdValues(_ run: ClaimedRun) -> [PGValue] {
        [.id(run.user), .id(run.id), .int8(run.fence), .double(limits.lease.inSeconds)]
    }

    /// Writes for a run while it is still this worker's; false if it was lost.
    private func writing(
        _ run: ClaimedRun, until deadline: ContinuousClock.Instant,
        _ body: (PGTransaction) async throws(PGError) -> Void
    ) async throws(StoreError) -> Bool {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            guard try await transaction.first(SyncQueries.hold, holdValues(run)) != nil else { return false }
            try await body(transaction)
            return true
        }
    }

    /// Moves a run to a state, or leaves it in its state if that is nil; `again` is the delay after which an open run
    /// is taken up next.
    package func move(
        _ run: ClaimedRun, to state: SyncRunState?, reason: String? = nil, again: Duration = .zero,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await writing(run, until: deadline) { transaction throws(PGError) in
            try await transaction.execute(SyncQueries.setState, stateValues(run, state, reason, nil, again))
        }
    }

    private func stateValues(
        _ run: ClaimedRun, _ state: SyncRunState?, _ reason: String?, _ digest: [UInt8]?, _ again: Duration
    ) -> [PGValue] {
        [
            .id(run.user), .id(run.id), .text(state?.rawValue), .text(reason), .bytea(digest), .double(again.inSeconds),
        ]
    }

    /// A person's runs after a place, or one of them.
    func runs(
        of user: UserID, _ run: BatchID?, after place: HistoryCursor, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SyncRun] {
        try await database.rows(
            SyncQueries.runs, [.id(user), .id(run), .moment(place.listedAt), .id(place.id), .int(limit)],
            until: deadline)
    }

    /// The digest of the removals that a run was held for; nil if it cannot be confirmed (yet).
    package func heldDigest(
        of run: BatchID, by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [UInt8]? {
        try await database.rows(
            SyncQueries.heldDigest, [.id(user), .id(run), .double(limits.confirmAfter.inSeconds)], until: deadline
        ).first
    }

    package static func digest(_ heldText: String) -> [UInt8] { SHA256.hash(heldText).bytes }

    // MARK: Plans

    /// The outcome of storing a plan.
    package enum Keeping: Sendable {
        case kept
        /// The run is another worker's by now.
        case lost
        /// A sync is being undone meanwhile, so what was read before is void.
        case undoing
    }

    /// Stores a plan, as a whole or not at all.
    package func keep(
        _ draft: SyncDraft, of run: ClaimedRun, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Keeping {
        let key: [PGValue] = [.id(run.user), .id(run.id)]
        var keeping = Keeping.kept
        let isHeld = try await writing(run, until: deadline) { transaction throws(PGError) in
            keeping = .kept
            try await transaction.execute(LedgerQueries.lock, [.text(run.user.description)])
            let undoing = try await transaction.first(UndoQueries.undoing, [.id(run.user), .word(run.provider)])
            guard undoing == nil else {
                keeping = .undoing
                return
            }
            for start in stride(from: 0, to: draft.changes.count, by: 5_000) {
                let part = draft.changes[start..<min(start + 5_000, draft.changes.count)]
                try await transaction.execute(SyncQueries.addChanges, key + Self.values(part))
            }
            if !run.isDry {
                try await forget(draft.forgotten, run, in: transaction)
                try await putBase(draft.base, run.lane, at: moment, in: transaction)
                try await dropTold(draft.base, run.lane, in: transaction)
                try await addClashes(draft.clashes, run, at: moment, in: transaction)
                try await putPlaces(draft.places, run, in: transaction)
                try await putStops(draft, run, in: transaction)
            }
            let digest = draft.heldText.map(Self.digest)
            try await transaction.execute(
                SyncQueries.setState, stateValues(run, run.isDry ? .done : .applying, nil, digest, .zero))
        }
        return isHeld ? keeping : .lost
    }

    static func values(_ changes: ArraySlice<SyncChange>) -> [PGValue] {
        [
            .int4Array(changes.map { Int32(clamping: $0.position) }), .textArray(changes.map(\.facet.rawValue)),
            .textArray(changes.map(\.side.rawValue)), .ids(changes.map(\.title)),
            .textArray(changes.map(\.kind.rawValue)),
            .uuidArray(changes.map { $0.play.map { PGUUID($0.uuid) } }), .int8Array(changes.map(\.theirs)),
            .textArray(changes.map(\.was)), .textArray(changes.map(\.becomes)),
            .timestampArray(changes.map { $0.at.map { PGTimestamp(microseconds: $0.microsecondsSinceEpoch) } }),
            .textArray(changes.map(\.state.rawValue)), .textArray(changes.map(\.reason)),
            .boolArray(changes.map(\.isUndo)), .int8Array(changes.map(\.ourVersion)),
        ]
    }

    /// The changes of a run after a position; with a side, only those still to be made there.
    package func changes(
        of run: BatchID, by user: UserID, after position: Int, planned side: SyncSide?, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SyncChange] {
        try await database.rows(
            SyncQueries.changes, [.id(user), .id(run), .int(position), .text(side?.rawValue), .int(limit)],
            until: deadline)
    }

    /// Records the outcomes of changes on our side, and what the base contains from then on.
    package func finish(
        _ changes: [SyncChange], base: [BaseRow], forgotten: [(facet: SyncFacet, item: UUIDBits)], of run: ClaimedRun,
        at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await writing(run, until: deadline) { transaction throws(PGError) in
            try await settle(changes, jobs: changes.map { _ in nil }, run.id, of: run.user, in: transaction)
            try await forget(forgotten, run, in: transaction)
            try await putBase(base, run.lane, at: moment, in: transaction)
            // What was read but not applied, because of an edit in between, must be read again: nothing has changed
            // there since.
            let left = Set(changes.filter { $0.side == .ours && $0.state == .skipped }.map(\.facet.rawValue)).sorted()
            guard !left.isEmpty else { return }
            try await transaction.execute(
                SyncQueries.reopen, [.id(run.user), .word(run.provider), .textArray(left)])
        }
    }

    /// Queues changes on their side, each with its job.
    package func queue(
        _ changes: [SyncChange], as jobs: [NewJob], of run: ClaimedRun, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await writing(run, until: deadline) { transaction throws(PGError) in
            let queued = Set(try await QueueStore.enqueue(jobs, in: transaction))
            let settled = zip(changes, jobs).map { change, job in
                var change = change
                let isQueued = queued.contains(job.id)
                change.state = isQueued ? .queued : .skipped
                change.reason = isQueued ? nil : "it is already in the queue"
                return change
            }
            try await settle(settled, jobs: jobs.map(\.id), run.id, of: run.user, in: transaction)
        }
    }

    func settle(
        _ changes: [SyncChange], jobs: [UUIDBits?], _ run: BatchID, of user: UserID, in transaction: PGTransaction
    ) async throws(PGError) {
        guard !changes.isEmpty else { return }
        try await transaction.execute(
            SyncQueries.settleChanges,
            [
                .id(user), .id(run), .int4Array(changes.map { Int32(clamping: $0.position) }),
                .textArray(changes.map(\.state.rawValue)), .textArray(changes.map(\.reason)),
                .uuidArray(jobs.map { $0.map { PGUUID($0) } }),
            ])
    }

    /// Takes over the outcomes of the queue.
    package func settleQueued(of user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(SyncQueries.settleQueued, [.id(user)], until: deadline)
    }

    // MARK: Base

    package func base(
        of lane: LaneKey, _ facet: SyncFacet, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [BaseRow] {
        try await database.rows(
            SyncQueries.base, [.id(lane.user), .word(lane.provider), .word(facet)], until: deadline)
    }

    func putBase(
        _ rows: [BaseRow], _ lane: LaneKey, at moment: Timestamp, in transaction: PGTransaction
    ) async throws(PGError) {
        for start in stride(from: 0, to: rows.count, by: 5_000) {
            let part = rows[start..<min(start + 5_000, rows.count)]
            try await transaction.execute(
                SyncQueries.putBase,
                [
                    .id(lane.user), .word(lane.provider), .textArray(part.map(\.facet.rawValue)),
                    .uuidArray(part.map { PGUUID($0.item) }), .ids(part.map(\.title)),
                    .textArray(part.map(\.kind.rawValue)), .textArray(part.map(\.value)),
                    .int8Array(part.map(\.theirs)), .textArray(part.map { $0.isLetGo ? "true" : "false" }),
                    .textArray(part.map { $0.isApart ? "true" : "false" }), .textArray(part.map(\.was)),
                    .moment(moment), .textArray(part.map(\.apart)),
                ])
        }
    }

    private func forget(
        _ items: [(facet: SyncFacet, item: UUIDBits)], _ run: ClaimedRun, in transaction: PGTransaction
    ) async throws(PGError) {
        guard !items.isEmpty else { return }
        try await transaction.execute(
            SyncQueries.forget,
            [
                .id(run.user), .word(run.provider), .textArray(items.map(\.facet.rawValue)),
                .uuidArray(items.map { PGUUID($0.item) }),
            ])
    }

    // MARK: Our side

    package func plays(of user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError)
        -> [StoredPlay]
    {
        try await database.rows(SyncQueries.plays, [.id(user)], until: deadline)
    }

    package func playsVersion(of user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError)
        -> Int64
    {
        try await database.rows(SyncQueries.playsVersion, [.id(user)], until: deadline).first ?? 0
    }

    package func version(
        of shelf: LedgerShelf, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Int64 {
        guard let statement = SyncQueries.shelfVersion[shelf] else { return 0 }
        return try await database.rows(statement, [.id(user)], until: deadline).first ?? 0
    }

    /// What is under way, or was a moment ago: titles by action, and plays.
    package struct InFlight: Sendable {
        package var titles: [JobAction: Set<TitleID>] = [:]
        package var plays: Set<PlayID> = []
        package var leaving = LeavingPlays()
        /// Titles of which a play is being sent, under whatever name.
        package var played: Set<TitleID> = []
    }

    package func inFlight(
        of lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> InFlight {
        let jobs = try await database.rows(
            SyncQueries.inFlight, [.id(lane.user), .word(lane.provider), .double(limits.lag.inSeconds)],
            until: deadline)
        var found = InFlight()
        for job in jobs {
            if job.isWaiting { found.titles[job.action, default: []].insert(job.title) }
            if job.action == .stop || job.action == .addPlay { found.played.insert(job.title) }
            if job.action == .removePlay {
                if let row = job.theirs { found.leaving.rows.insert(row) }
                if let at = job.watchedAt.flatMap({ Timestamp($0) }) {
                    found.leaving.moments.insert(LeavingMoment(title: job.title, at: at))
                }
            }
            // `play ID` and `remove ID` contain the play's id; the jobs of an edit have its moment after that.
            if let id = job.fingerprint.split(separator: " ").dropFirst().first.flatMap({ PlayID(String($0)) }) {
                found.plays.insert(id)
                if job.action == .removePlay { found.leaving.plays.insert(id) }
            }
        }
        return found
    }

    /// Plays of ours that the other side has refused as duplicates, with the moment at which it has each.
    package func playedThere(
        of lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayID: Timestamp] {
        let rows = try await database.rows(
            SyncQueries.playedThere,
            [.id(lane.user), .word(lane.provider), .text("\(JobMachine.alreadyPlayed)%")], until: deadline)
        var found: [PlayID: Timestamp] = [:]
        for (name, reason) in rows {
            guard let play = PlayID(name) else { continue }
            found[play] = Timestamp(String(reason.dropFirst(JobMachine.alreadyPlayed.count)))
        }
        return found
    }

    /// When we rated titles there, recently.
    package func ratedThere(
        of lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TitleID: [Timestamp]] {
        let rows = try await database.rows(
            SimklMirrorQueries.ratedThere, [.id(lane.user), .word(lane.provider)], until: deadline)
        return Dictionary(grouping: rows, by: \.title).mapValues { $0.map(\.at) }
    }

    /// The titles of which the person has watched either the title itself or an episode here.
    package func watchedHere(
        _ titles: [TitleID], by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Set<TitleID> {
        Set(try await database.rows(SimklMirrorQueries.watchedHere, [.id(user), .ids(titles)], until: deadline))
    }

    /// Changes that the other side rejected, by facet and item, with the value that each would have set.
    package func refused(
        of lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (titles: [SyncFacet: [TitleID: Set<String>]], plays: Set<PlayID>) {
        var titles: [SyncFacet: [TitleID: Set<String>]] = [:]
        var plays: Set<PlayID> = []
        for row in try await database.rows(
            SyncQueries.refused, [.id(lane.user), .word(lane.provider)], until: deadline)
        {
            if let play = row.play {
                plays.insert(play)
            } else {
                titles[row.facet, default: [:]][row.title, default: []].insert(row.becomes ?? "")
            }
        }
        return (titles, plays)
    }

    // MARK: Conflicts

    private func addClashes(
        _ clashes: [SyncClash], _ run: ClaimedRun, at moment: Timestamp, in transaction: PGTransaction
    ) async throws(PGError) {
        guard !clashes.isEmpty else { return }
        try await transaction.execute(
            SyncQueries.addClashes,
            [
                .id(run.user), .word(run.provider), .id(run.id),
                .uuidArray(clashes.map { _ in PGUUID(ids.next()) }), .textArray(clashes.map(\.facet.rawValue)),
                .ids(clashes.map(\.title)), .textArray(clashes.map(\.kind.rawValue)), .textArray(clashes.map(\.base)),
                .textArray(clashes.map(\.ours)), .textArray(clashes.map(\.theirs)),
                .textArray(clashes.map { $0.winner?.rawValue }), .moment(moment),
            ])
    }

    func clashes(
        of user: UserID, isOpen: Bool, after place: HistoryCursor, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SyncConflict] {
        try await database.rows(
            SyncQueries.clashes, [.id(user), .bool(isOpen), .moment(place.listedAt), .id(place.id), .int(limit)],
            until: deadline)
    }

    /// Decides an open conflict and returns the provider of its connection; nil if there is none.
    package func resolve(
        _ conflict: ConflictID, of user: UserID, keeping side: SyncSide, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> SyncProvider? {
        try await database.rows(
            SyncQueries.resolve, [.id(user), .id(conflict), .word(side), .moment(moment)], until: deadline
        ).first
    }

    package func chosen(
        of lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ChosenSide] {
        try await database.rows(SyncQueries.chosen, [.id(lane.user), .word(lane.provider)], until: deadline)
    }

    // MARK: Places

    package func places(
        of lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SyncFacet: SyncPlace] {
        let rows = try await database.rows(
            SyncQueries.places, [.id(lane.user), .word(lane.provider)], until: deadline)
        return Dictionary(rows.map { ($0.facet, $0) }) { first, _ in first }
    }

    private func putPlaces(
        _ places: [SyncPlace], _ run: ClaimedRun, in transaction: PGTransaction
    ) async throws(PGError) {
        guard !places.isEmpty else { return }
        try await transaction.execute(
            SyncQueries.putPlaces,
            [
                .id(run.user), .word(run.provider), .textArray(places.map(\.facet.rawValue)),
                .textArray(
                    places.map { place in
                        place.stamps.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
                    }), .int8Array(places.map(\.ourVersion)),
                .timestampArray(places.map { PGTimestamp(microseconds: $0.wholeAt.microsecondsSinceEpoch) }),
            ])
    }
}
