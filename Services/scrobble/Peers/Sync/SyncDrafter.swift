import Contracts
import Store

/// Reads both sides of a connection and drafts what a run would do.
package struct SyncDrafter: Sendable {
    let readers: [SyncProvider: any RemoteReader]
    let store: SyncStore
    let connections: ConnectionStore
    let neighbours: any SyncNeighbours
    let shelves: ShelfStore
    let ledger: LedgerStore
    let clock: any WallClock

    static let timeout = Duration.seconds(30)

    /// The context of a run, beside its connection.
    struct Frame: Sendable {
        let run: ClaimedRun
        let reader: any RemoteReader
        let policies: [SyncFacet: FacetPolicy]
        let thresholdPercent: Double
        let places: [SyncFacet: SyncPlace]
        let activities: RemoteActivities
        var inFlight: SyncStore.InFlight
        let refused: (titles: [SyncFacet: [TitleID: Set<String>]], plays: Set<PlayID>)
        /// Plays of ours that the other side has said to have already, and as of when.
        let playedThere: [PlayID: Timestamp]
        /// When we rated titles there; some providers take a rated film for one watched at that moment.
        let ratedThere: [TitleID: [Timestamp]]
        let chosen: [ChosenSide]
        /// The facets of which they accept nothing more.
        let stops: [SyncFacet: FacetStop]
        /// Sides whose removals were held before and are confirmed now, if they are the same.
        var confirmed: Set<SyncSide> = []
        let now: Timestamp

        var lane: LaneKey { run.lane }

        func policy(_ facet: SyncFacet) -> FacetPolicy {
            var policy = policies[facet] ?? .off
            // Players report positions as they happen, and the other side drops them after a while; a sync sends
            // neither positions nor removals.
            if facet == .progress {
                policy.direction = policy.direction.changes(.ours) ? .receive : .off
                policy.deletes = false
            }
            // Where a title has one date, the previous date is not a play that somebody removed.
            if facet == .history, reader.shape.keepsOneDate { policy.deletes = false }
            return policy
        }

        /// Whether a facet was stopped and is now tried again.
        func isLifted(_ facet: SyncFacet) -> Bool { stops[facet]?.isDue == true }

        func kinds(_ facet: SyncFacet) -> [TitleKind] { reader.shape.kinds[facet] ?? [] }
    }

    /// Returns the draft; nil if the connection does not exist or is switched off.
    package func draft(_ run: ClaimedRun) async throws(SyncTrouble) -> SyncDraft? {
        guard var frame = try await frame(run) else { return nil }
        let draft = try await facets(frame)
        guard let held = draft.heldText, let confirms = run.confirms else { return draft }
        let digest = try await asking { () throws(StoreError) in
            try await store.heldDigest(of: confirms, by: run.user, until: .now + Self.timeout)
        }
        // Exactly those removals were confirmed, and no others.
        guard digest == SyncStore.digest(held) else { return draft }
        frame.confirmed = [.ours, .theirs]
        return try await facets(frame)
    }

    private func frame(_ run: ClaimedRun) async throws(SyncTrouble) -> Frame? {
        let lane = run.lane
        let deadline = ContinuousClock.now + Self.timeout
        let connection = try await asking { () throws(StoreError) in
            try await connections.list(of: run.user, until: deadline)
        }.first { $0.provider == run.provider }
        guard let connection, connection.state != .disconnected, connection.isEnabled,
            let reader = readers[run.provider]
        else { return nil }
        try await confirm(connection, of: run, reader)
        // What the queue has settled since is what both agree on.
        try await asking { () throws(StoreError) in try await store.settleQueued(of: run.user, until: deadline) }
        let places = try await asking { () throws(StoreError) in try await store.places(of: lane, until: deadline) }
        let inFlight = try await asking { () throws(StoreError) in try await store.inFlight(of: lane, until: deadline) }
        let refused = try await asking { () throws(StoreError) in try await store.refused(of: lane, until: deadline) }
        let chosen = try await asking { () throws(StoreError) in try await store.chosen(of: lane, until: deadline) }
        let stops = try await asking { () throws(StoreError) in
            try await connections.stops(of: run.user, until: deadline)
        }.filter { $0.provider == run.provider }
        let playedThere = try await asking { () throws(StoreError) in
            try await store.playedThere(of: lane, until: deadline)
        }
        let ratedThere =
            reader.shape.keepsOneDate
            ? try await asking { () throws(StoreError) in try await store.ratedThere(of: lane, until: deadline) } : [:]
        let activities = try await reading { () throws(ReadTrouble) in try await reader.activities(of: lane) }
        return Frame(
            run: run, reader: reader, policies: connection.policies, thresholdPercent: connection.thresholdPercent,
            places: places, activities: activities, inFlight: inFlight, refused: refused, playedThere: playedThere,
            ratedThere: ratedThere, chosen: chosen,
            stops: Dictionary(stops.map { ($0.facet, $0) }) { first, _ in first }, now: clock.now)
    }

    /// Confirms whose account it is: what was agreed with one account must not be applied to another.
    private func confirm(
        _ connection: StoredConnection, of run: ClaimedRun, _ reader: any RemoteReader
    ) async throws(SyncTrouble) {
        guard !connection.isAccountKnown, let moment = connection.connectedAt else { return }
        let account = try await reading { () throws(ReadTrouble) in try await reader.account(of: run.lane) }
        let isConfirmed = try await asking { () throws(StoreError) in
            try await connections.confirm(
                run.lane, account, connectedAt: moment, by: run.id, until: .now + Self.timeout)
        }
        guard isConfirmed else { throw .reading(.wait(.seconds(1), "the account was reconnected meanwhile")) }
    }

    private func facets(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        var draft = SyncDraft()
        for facet in SyncFacet.allCases where frame.policy(facet).direction != .off && !frame.kinds(facet).isEmpty {
            draft.append(try await going(facet, frame))
        }
        for place in draft.changes.indices {
            draft.changes[place].position = place
            if frame.run.isDry, draft.changes[place].state == .planned { draft.changes[place].state = .dry }
        }
        return draft
    }

    /// Drafts one facet as far as it is not stopped; a stop affects no other facet.
    private func going(_ facet: SyncFacet, _ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        let stop = frame.stops[facet].flatMap { $0.isDue ? nil : $0 }
        var draft = SyncDraft()
        // A facet that the account lacks a feature for is not even read.
        if let stop, stop.cause == .vipRequired {
            draft.stopped[facet] = stop.cause
            return draft
        }
        do throws(SyncTrouble) {
            draft = try await self.facet(facet, frame)
        } catch .reading(.barred(let cause)) {
            draft.barred[facet] = cause
            return draft
        }
        if frame.isLifted(facet) { draft.lifted = [facet] }
        return stop.map { draft.withoutFilling(facet, for: $0.cause) } ?? draft
    }

    private func facet(_ facet: SyncFacet, _ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        switch facet {
        case .history: try await history(frame)
        case .ratings: try await ratings(frame)
        case .watchlist: try await watchlist(frame)
        case .collection: try await collection(frame)
        case .progress: try await progress(frame)
        }
    }

    // MARK: History

    private func history(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        let place = frame.places[.history]
        let version = try await asking { () throws(StoreError) in
            try await store.playsVersion(of: frame.run.user, until: .now + Self.timeout)
        }
        let stamps = stamps(.history, frame)
        var isWhole = isWholeDue(place, frame) || frame.run.confirms != nil
        let isOursMoved = place?.ourVersion != version || frame.isLifted(.history)
        guard isWhole || isOursMoved || stamps != place?.stamps else { return SyncDraft() }
        if frame.reader.shape.keepsOneDate { isWhole = true }

        let ours = try await asking { () throws(StoreError) in
            try await store.plays(of: frame.run.user, until: .now + Self.timeout)
        }
        // Read again after the plays: what was added in between is reported by its own job, and not by this run too.
        var frame = frame
        frame.inFlight = try await asking { () throws(StoreError) in
            try await store.inFlight(of: frame.lane, until: .now + Self.timeout)
        }
        let base = try await asking { () throws(StoreError) in
            try await store.base(of: frame.lane, .history, until: .now + Self.timeout)
        }
        var draft = try await history(frame, ours, base, stamps, isWhole: isWhole)
        if draft.unread > 0, !isWhole {
            // A backdated play must be compared with everything.
            isWhole = true
            draft = try await history(frame, ours, base, stamps, isWhole: true)
        }
        draft.draft.places = [
            self.place(.history, place, stamps, version, draft.unsettled, isWhole: isWhole, frame)
        ]
        return draft.draft
    }

    private func history(
        _ frame: Frame, _ ours: [StoredPlay], _ base: [BaseRow], _ stamps: [String: String], isWhole: Bool
    ) async throws(SyncTrouble) -> (draft: SyncDraft, unread: Int, unsettled: Set<TitleKind>) {
        let place = frame.places[.history]
        // From the newest play that both have, less a day: Trakt works in whole days.
        let paired = Set(base.filter { $0.theirs != nil }.map(\.item))
        let newest = ours.filter { paired.contains($0.id.uuid) }.map(\.moment.listedAt).max()
        let from = isWhole ? nil : newest.map { CalendarDate(daysSinceEpoch: $0.date.daysSinceEpoch - 1) ?? $0.date }
        var result: (draft: SyncDraft, unread: Int, unsettled: Set<TitleKind>) = (SyncDraft(), 0, [])
        for kind in frame.kinds(.history) {
            let isMoved = place == nil || stamps[kind.rawValue] != place?.stamps[kind.rawValue]
            let agreed = base.filter { $0.kind == kind }
            let own = ours.filter { $0.kind == kind }
            let reading = isWhole || isMoved ? try await read(.history, [kind], from: from, frame)[kind] : nil
            var snapshot = try await plays(reading, kind, own, agreed.count, isMoved: isMoved, from: from, frame)
            let drafting = HistoryDraft(kind: kind, frame: frame, limits: store.limits)
            let since = from.map { Timestamp($0) }
            var drafted = drafting.draft(base: agreed, ours: own, theirs: snapshot, since: since)
            if let sure = try await confirmed(reading, drafted.draft, .history, kind, from: from, frame) {
                snapshot = try await plays(sure, kind, own, agreed.count, isMoved: isMoved, from: from, frame)
                drafted = drafting.draft(base: agreed, ours: own, theirs: snapshot, since: since)
            }
            if snapshot.isPartial || drafted.draft.isOpen || drafted.recent > 0 { result.unsettled.insert(kind) }
            result.draft.append(drafted.draft)
            result.unread += drafted.unread
        }
        return result
    }

    /// Their plays as a reading shows them; no changes if none was needed.
    private func plays(
        _ reading: RemoteReading?, _ kind: TitleKind, _ ours: [StoredPlay], _ agreedCount: Int, isMoved: Bool,
        from day: CalendarDate?, _ frame: Frame
    ) async throws(SyncTrouble) -> Snapshot<TheirPlay> {
        guard let reading else { return .changes([]) }
        let (known, unknown) = try await titles(of: reading.rows, kind, frame)
        let moments = ours.contains { $0.moment.isDay } ? reading.rows.compactMap(\.value.playedAt) : []
        let days = await ledger.localDays(of: moments, in: frame.run.timeZone)
        let rows = reading.rows.compactMap { row -> TheirPlay? in
            guard let title = known[row.item.number], case .play(let id, let at) = row.value else { return nil }
            return TheirPlay(id: id, title: title, watchedAt: at, day: at.flatMap { days[$0] })
        }
        guard unknown == 0, reading.unreadable == 0, reading.tally.doubt == nil else { return .partial(rows) }
        guard day == nil else { return .changes(rows) }
        return reading.tally.snapshot(
            rows, isMoved: isMoved || frame.reader.shape.keepsOneDate, agreedCount: agreedCount)
    }

    // MARK: What all facets share

    func read(
        _ facet: SyncFacet, _ kinds: [TitleKind], from day: CalendarDate? = nil, _ frame: Frame
    ) async throws(SyncTrouble) -> [TitleKind: RemoteReading] {
        guard !kinds.isEmpty else { return [:] }
        return try await reading { () throws(ReadTrouble) in
            try await frame.reader.lists(facet, kinds, from: day, of: frame.lane)
        }
    }

    /// Rereads a list of several pages, once, if a plan relies on what is missing from it: while a list changes, an
    /// item can slip from a page yet to come onto one already read, with unchanged counts. What would be removed must
    /// be missing from two readings, and nothing may have happened there since the run began. Nil if the first reading
    /// suffices.
    func confirmed(
        _ first: RemoteReading?, _ draft: SyncDraft, _ facet: SyncFacet, _ kind: TitleKind, from day: CalendarDate?,
        _ frame: Frame
    ) async throws(SyncTrouble) -> RemoteReading? {
        guard let first, first.tally.isOfManyPages, first.tally.doubt == nil, draft.leansOnAbsence,
            !frame.reader.shape.keepsOneDate
        else { return nil }
        var sure = first
        if draft.takesAway, let second = try await read(facet, [kind], from: day, frame)[kind] {
            sure = first.joined(with: second)
        }
        let after = try await reading { () throws(ReadTrouble) in try await frame.reader.activities(of: frame.lane) }
        if after.stamp(facet, kind) != frame.activities.stamp(facet, kind) { sure.tally.tear() }
        return sure
    }

    func stamps(_ facet: SyncFacet, _ frame: Frame) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: frame.kinds(facet).map { ($0.rawValue, frame.activities.stamp(facet, $0)) })
    }

    /// How far this run has come. What proved nothing, or waits for a decision, is read again by the next one.
    func place(
        _ facet: SyncFacet, _ place: SyncPlace?, _ stamps: [String: String], _ version: Int64,
        _ unsettled: Set<TitleKind>, isWhole: Bool, _ frame: Frame
    ) -> SyncPlace {
        var stamps = stamps
        for kind in unsettled { stamps[kind.rawValue] = "?" }
        let never = Timestamp(clampingMicrosecondsSinceEpoch: 0)
        return SyncPlace(
            facet: facet, stamps: stamps, ourVersion: version,
            wholeAt: isWhole && unsettled.isEmpty ? frame.now : place?.wholeAt ?? never)
    }

    func isWholeDue(_ place: SyncPlace?, _ frame: Frame) -> Bool {
        place.map { $0.wholeAt.duration(to: frame.now) >= store.limits.wholeEvery } ?? true
    }

    /// The titles that the rows mean, and how many mean none.
    func titles(
        of rows: [RemoteRow], _ kind: TitleKind, _ frame: Frame
    ) async throws(SyncTrouble) -> (known: [Int64: TitleID], unknown: Int) {
        var items: [Int64: RemoteItem] = [:]
        for row in rows { items[row.item.number] = row.item }
        var known = try await asking { () throws(StoreError) in
            try await store.titles(kind, Array(items.keys), at: frame.run.provider, until: .now + Self.timeout)
        }
        let missing = items.values.filter { known[$0.number] == nil }.sorted { $0.number < $1.number }
        for start in stride(from: 0, to: missing.count, by: store.limits.resolveMax) {
            let part = missing[start..<min(start + store.limits.resolveMax, missing.count)]
            let found = try await neighbours.titles(part.map(\.query))
            var fresh: [Int64: TitleID] = [:]
            for (item, title) in zip(part, found) { if let title { fresh[item.number] = title } }
            try await asking { () throws(StoreError) in
                try await store.putTitles(kind, fresh, at: frame.run.provider, until: .now + Self.timeout)
            }
            known.merge(fresh) { _, new in new }
        }
        return (known, rows.count { known[$0.item.number] == nil })
    }

    func asking<Answer>(
        _ work: () async throws(StoreError) -> Answer
    ) async throws(SyncTrouble) -> Answer {
        do throws(StoreError) { return try await work() } catch { throw SyncTrouble(error) }
    }

    private func reading<Answer>(
        _ work: () async throws(ReadTrouble) -> Answer
    ) async throws(SyncTrouble) -> Answer {
        do throws(ReadTrouble) { return try await work() } catch { throw SyncTrouble(error) }
    }
}
