import Contracts
import Store

/// Reads both sides of a connection and drafts what a run would do.
package struct SyncDrafter: Sendable {
    let reader: TraktReader
    let store: SyncStore
    let connections: ConnectionStore
    let neighbours: any SyncNeighbours
    let clock: any WallClock

    private static let timeout = Duration.seconds(30)

    /// What a run is told beside its connection.
    struct Frame: Sendable {
        let run: ClaimedRun
        let policies: [SyncFacet: FacetPolicy]
        let thresholdPercent: Double
        let places: [SyncFacet: SyncPlace]
        let activities: TraktActivities
        let inFlight: SyncStore.InFlight
        let refused: (titles: [SyncFacet: [TitleID: Set<String>]], plays: Set<PlayID>)
        let chosen: [ChosenSide]
        /// Removals that were held before and are confirmed now, if they are the same.
        var confirmed: Set<SyncSide> = []
        let now: Timestamp

        var lane: LaneKey { run.lane }

        func policy(_ facet: SyncFacet) -> FacetPolicy { policies[facet] ?? .off }
    }

    /// The draft; nil where the connection is not there or switched off.
    package func draft(_ run: ClaimedRun) async throws(SyncTrouble) -> SyncDraft? {
        guard var frame = try await frame(run) else { return nil }
        let draft = try await facets(frame)
        guard let held = draft.heldText, let confirms = run.confirms else { return draft }
        let digest = try await asking { () throws(StoreError) in
            try await store.heldDigest(of: confirms, by: run.user, until: .now + Self.timeout)
        }
        // Confirmed were those removals and no others.
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
        guard let connection, connection.state != .disconnected, connection.isEnabled else { return nil }
        // What the queue has come to since is what both agree on.
        try await asking { () throws(StoreError) in try await store.settleQueued(of: run.user, until: deadline) }
        let places = try await asking { () throws(StoreError) in try await store.places(of: lane, until: deadline) }
        let inFlight = try await asking { () throws(StoreError) in try await store.inFlight(of: lane, until: deadline) }
        let refused = try await asking { () throws(StoreError) in try await store.refused(of: lane, until: deadline) }
        let chosen = try await asking { () throws(StoreError) in try await store.chosen(of: lane, until: deadline) }
        let activities = try await reading { () throws(ReadTrouble) in try await reader.activities(of: lane) }
        return Frame(
            run: run, policies: connection.policies, thresholdPercent: connection.thresholdPercent, places: places,
            activities: activities, inFlight: inFlight, refused: refused, chosen: chosen, now: clock.now)
    }

    private func facets(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        var draft = SyncDraft()
        if frame.policy(.ratings).direction != .off { draft.append(try await ratings(frame)) }
        if frame.policy(.history).direction != .off { draft.append(try await history(frame)) }
        for place in draft.changes.indices {
            draft.changes[place].position = place
            if frame.run.isDry, draft.changes[place].state == .planned { draft.changes[place].state = .dry }
        }
        return draft
    }

    // MARK: Ratings

    static let ratedKinds: [TitleKind] = [.movie, .series, .season, .episode]

    private func ratings(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        let place = frame.places[.ratings]
        let version = try await neighbours.ratingsVersion(of: frame.run.user)
        let stamps = stamps(.ratings, Self.ratedKinds, frame)
        let isWholeDue = isWholeDue(place, frame)
        let isOursMoved = place?.ourVersion != version
        guard isWholeDue || isOursMoved || stamps != place?.stamps || frame.run.confirms != nil else {
            return SyncDraft()
        }

        let ours = try await neighbours.ratings(of: frame.run.user)
        let base = try await asking { () throws(StoreError) in
            try await store.base(of: frame.lane, .ratings, until: .now + Self.timeout)
        }
        var draft = SyncDraft()
        var unsettled: Set<TitleKind> = []
        for kind in Self.ratedKinds {
            let isMoved = place == nil || stamps[kind.rawValue] != place?.stamps[kind.rawValue]
            let agreed = base.filter { $0.kind == kind }
            let snapshot = try await ratings(kind, frame, isRead: isMoved || isWholeDue, isMoved, agreed.count)
            let own = ours.filter { $0.kind == kind }.map {
                TitleValue($0.title, TraktProjection.rating($0.rating), SyncMoment(at: $0.ratedAt))
            }
            let (drafted, isLagging) = FacetDraft(facet: .ratings, kind: kind, frame: frame, limits: store.limits)
                .draft(
                    base: agreed, ours: own, theirs: snapshot, inFlight: [.rate, .unrate])
            if snapshot.isPartial || isLagging || drafted.isOpen { unsettled.insert(kind) }
            draft.append(drafted)
        }
        draft.places = [self.place(.ratings, place, stamps, version, unsettled, isWhole: isWholeDue, frame)]
        return draft
    }

    private func ratings(
        _ kind: TitleKind, _ frame: Frame, isRead: Bool, _ isMoved: Bool, _ agreedCount: Int
    ) async throws(SyncTrouble) -> Snapshot<TitleValue<Int>> {
        guard isRead else { return .changes([]) }
        let reading = try await reading { () throws(ReadTrouble) in try await reader.ratings(kind, of: frame.lane) }
        let (known, unknown) = try await titles(of: reading.rows, kind)
        let rows = reading.rows.compactMap { row -> TitleValue<Int>? in
            guard let title = known[row.item.number], case .rating(let value, let at) = row.row else { return nil }
            return TitleValue(title, value, at.map { SyncMoment(at: $0) })
        }
        // A row that names nothing may be any title of ours.
        guard unknown == 0, reading.unreadable == 0 else { return .partial(rows) }
        return reading.tally.snapshot(rows, isMoved: isMoved, agreedCount: agreedCount)
    }

    // MARK: History

    static let playedKinds: [TitleKind] = [.movie, .episode]

    private func history(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        let place = frame.places[.history]
        let version = try await asking { () throws(StoreError) in
            try await store.playsVersion(of: frame.run.user, until: .now + Self.timeout)
        }
        let stamps = stamps(.history, Self.playedKinds, frame)
        var isWhole = isWholeDue(place, frame) || frame.run.confirms != nil
        let isOursMoved = place?.ourVersion != version
        guard isWhole || isOursMoved || stamps != place?.stamps else { return SyncDraft() }

        let ours = try await asking { () throws(StoreError) in
            try await store.plays(of: frame.run.user, until: .now + Self.timeout)
        }
        let base = try await asking { () throws(StoreError) in
            try await store.base(of: frame.lane, .history, until: .now + Self.timeout)
        }
        var draft = try await history(frame, ours, base, stamps, isWhole: isWhole)
        if draft.unread > 0, !isWhole {
            // A play that is dated back must be held against everything.
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
        // The newest play that both have, and a day more: Trakt takes whole days.
        let paired = Set(base.filter { $0.theirs != nil }.map(\.item))
        let newest = ours.filter { paired.contains($0.id.uuid) }.map(\.moment.listedAt).max()
        let from = isWhole ? nil : newest.map { CalendarDate(daysSinceEpoch: $0.date.daysSinceEpoch - 1) ?? $0.date }
        var result: (draft: SyncDraft, unread: Int, unsettled: Set<TitleKind>) = (SyncDraft(), 0, [])
        for kind in Self.playedKinds {
            let isMoved = place == nil || stamps[kind.rawValue] != place?.stamps[kind.rawValue]
            let agreed = base.filter { $0.kind == kind }
            var snapshot = Snapshot<TheirPlay>.changes([])
            if isWhole || isMoved {
                let reading = try await reading { () throws(ReadTrouble) in
                    try await reader.history(kind, from: from, of: frame.lane)
                }
                let (known, unknown) = try await titles(of: reading.rows, kind)
                let rows = reading.rows.compactMap { row -> TheirPlay? in
                    guard let title = known[row.item.number], case .play(let id, let at) = row.row else { return nil }
                    return TheirPlay(id: id, title: title, watchedAt: at)
                }
                let isSound = unknown == 0 && reading.unreadable == 0 && reading.tally.doubt == nil
                snapshot =
                    !isSound
                    ? .partial(rows)
                    : from == nil
                        ? reading.tally.snapshot(rows, isMoved: isMoved, agreedCount: agreed.count) : .changes(rows)
            }
            let drafted = HistoryDraft(kind: kind, frame: frame, limits: store.limits).draft(
                base: agreed, ours: ours.filter { $0.kind == kind }, theirs: snapshot, since: from.map { Timestamp($0) }
            )
            if snapshot.isPartial || drafted.draft.isOpen { result.unsettled.insert(kind) }
            result.draft.append(drafted.draft)
            result.unread += drafted.unread
        }
        return result
    }

    // MARK: What all facets share

    private func stamps(_ facet: SyncFacet, _ kinds: [TitleKind], _ frame: Frame) -> [String: String] {
        Dictionary(uniqueKeysWithValues: kinds.map { ($0.rawValue, frame.activities.stamp(facet, $0)) })
    }

    /// Up to where this run has come. What proved nothing, or waits for a word, is read again by the next one.
    private func place(
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

    private func isWholeDue(_ place: SyncPlace?, _ frame: Frame) -> Bool {
        place.map { $0.wholeAt.duration(to: frame.now) >= store.limits.wholeEvery } ?? true
    }

    /// Which titles the rows mean, and how many mean none.
    private func titles(
        of rows: [TraktRow], _ kind: TitleKind
    ) async throws(SyncTrouble) -> (known: [Int64: TitleID], unknown: Int) {
        var items: [Int64: TraktItem] = [:]
        for row in rows { items[row.item.number] = row.item }
        var known = try await asking { () throws(StoreError) in
            try await store.titles(kind, Array(items.keys), until: .now + Self.timeout)
        }
        let missing = items.values.filter { known[$0.number] == nil }.sorted { $0.number < $1.number }
        for start in stride(from: 0, to: missing.count, by: store.limits.resolveMax) {
            let part = missing[start..<min(start + store.limits.resolveMax, missing.count)]
            let found = try await neighbours.titles(part.map(\.query))
            var fresh: [Int64: TitleID] = [:]
            for (item, title) in zip(part, found) { if let title { fresh[item.number] = title } }
            try await asking { () throws(StoreError) in
                try await store.putTitles(kind, fresh, until: .now + Self.timeout)
            }
            known.merge(fresh) { _, new in new }
        }
        return (known, rows.count { known[$0.item.number] == nil })
    }

    private func asking<Answer>(
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

/// Drafts one kind of a facet that has a value for a title.
struct FacetDraft: Sendable {
    let facet: SyncFacet
    let kind: TitleKind
    let frame: SyncDrafter.Frame
    let limits: SyncLimits

    /// The draft, and whether the reading lagged.
    func draft(
        base rows: [BaseRow], ours: [TitleValue<Int>], theirs: Snapshot<TitleValue<Int>>, inFlight actions: [JobAction]
    ) -> (draft: SyncDraft, isLagging: Bool) {
        var circumstances = FacetPlanner<Int>.Circumstances()
        for action in actions { circumstances.inFlight.formUnion(frame.inFlight.titles[action] ?? []) }
        let refused = frame.refused.titles[facet] ?? [:]
        for own in ours where refused[own.title]?.contains(own.value.value.stored) == true {
            circumstances.inFlight.insert(own.title)
        }
        let mine = Dictionary(ours.map { ($0.title, $0.value.value.stored) }) { first, _ in first }
        let their = Dictionary(theirs.rows.map { ($0.title, $0.value.value.stored) }) { first, _ in first }
        // What was decided was decided about these two values.
        for choice in frame.chosen where choice.facet == facet {
            guard mine[choice.title] == choice.ours, their[choice.title] == choice.theirs else { continue }
            circumstances.chosen[choice.title] = choice.winner
        }
        circumstances.confirmed = frame.confirmed
        var draft = SyncDraft()
        var base: [TitleID: BaseEntry<Int>] = [:]
        for row in rows {
            let entry = entry(row)
            // Agreed to be gone, for so long that no reading lags behind it any more.
            if entry.value == nil, entry.echo == nil {
                draft.forgotten.append((facet, row.item))
            } else {
                base[row.title] = entry
            }
        }
        let plan = FacetPlanner<Int>(policy: frame.policy(facet)).plan(
            base: base, ours: ours, theirs: theirs, circumstances)
        let times = Dictionary(theirs.rows.map { ($0.title, $0.value.moment?.at) }) { first, _ in first }
        let ourTimes = Dictionary(ours.map { ($0.title, $0.value.moment?.at) }) { first, _ in first }
        func add(_ changes: [ItemChange<Int>], _ side: SyncSide, _ state: SyncChange.State) {
            for change in changes {
                let at = side == .ours ? times[change.title] : ourTimes[change.title]
                draft.changes.append(
                    SyncChange(
                        facet: facet, side: side, title: change.title, kind: kind, was: change.was?.stored,
                        becomes: change.becomes?.stored, at: at ?? nil, state: state))
            }
        }
        add(plan.forUs, .ours, .planned)
        add(plan.forThem, .theirs, .planned)
        add(plan.heldForUs, .ours, .held)
        add(plan.heldForThem, .theirs, .held)
        for (title, entry) in plan.base {
            if let entry {
                draft.base.append(
                    BaseRow(
                        facet: facet, item: title.uuid, title: title, kind: kind, value: entry.value?.stored,
                        was: entry.echo?.was?.stored, isLetGo: entry.isLetGo))
            } else {
                draft.forgotten.append((facet, title.uuid))
            }
        }
        // What its person has decided is listed already.
        draft.clashes = plan.clashes.filter { circumstances.chosen[$0.title] == nil }.map {
            SyncClash(
                facet: facet, title: $0.title, kind: kind, base: $0.base?.stored, ours: $0.ours.stored,
                theirs: $0.theirs.stored, winner: $0.winner)
        }
        return (draft, plan.echoes > 0)
    }

    private func entry(_ row: BaseRow) -> BaseEntry<Int> {
        let isLagging = row.writtenAt.map { $0.duration(to: frame.now) < limits.lag } ?? false
        return BaseEntry(
            row.value.flatMap { Int(stored: $0) },
            echo: isLagging ? .init(was: row.was.flatMap { Int(stored: $0) }) : nil, isLetGo: row.isLetGo)
    }
}

/// Drafts the history of one kind.
struct HistoryDraft: Sendable {
    let kind: TitleKind
    let frame: SyncDrafter.Frame
    let limits: SyncLimits

    /// What stands for a play as a value.
    static let play = "play"

    func draft(
        base rows: [BaseRow], ours: [StoredPlay], theirs: Snapshot<TheirPlay>, since: Timestamp?
    ) -> (draft: SyncDraft, unread: Int) {
        let pairs = rows.map { row in
            PlayPair(
                play: PlayID(row.item), title: row.title, theirs: row.theirs,
                isFresh: row.writtenAt.map { $0.duration(to: frame.now) < limits.lag } ?? false, isApart: row.isApart)
        }
        let plays = ours.map { play in
            OurPlay(
                id: play.id, title: play.title, moment: play.moment, runtimeMinutes: play.runtimeMinutes,
                isRemoved: play.isRemoved,
                isBeyond: !TraktProjection.holds(percent: play.percent, thresholdPercent: frame.thresholdPercent))
        }
        let plan = HistoryPlanner(policy: frame.policy(.history)).plan(
            base: pairs, ours: plays, theirs: theirs, since: since,
            inFlight: underWay(ours), confirmed: frame.confirmed)
        let byID = Dictionary(ours.map { ($0.id, $0) }) { first, _ in first }
        var draft = SyncDraft()
        for play in plan.forUs {
            draft.changes.append(
                change(.ours, play.title, nil, play.id, was: nil, becomes: Self.play, at: play.watchedAt))
        }
        for play in plan.forThem {
            let at = TraktProjection.watchedAt(play.moment)
            draft.changes.append(change(.theirs, play.title, play.id, nil, was: nil, becomes: Self.play, at: at))
        }
        func remove(_ plays: [PlayID], _ state: SyncChange.State) {
            for id in plays {
                guard let play = byID[id] else { continue }
                draft.changes.append(
                    change(.ours, play.title, id, nil, was: Self.play, becomes: nil, at: nil, state))
            }
        }
        remove(plan.removeOurs, .planned)
        remove(plan.heldForUs, .held)
        for (pairs, state) in [(plan.removeTheirs, SyncChange.State.planned), (plan.heldForThem, .held)] {
            for pair in pairs {
                let at = byID[pair.play].flatMap { TraktProjection.watchedAt($0.moment) }
                draft.changes.append(
                    change(.theirs, pair.title, pair.play, pair.theirs, was: Self.play, becomes: nil, at: at, state))
            }
        }
        draft.base = plan.pairs.map {
            BaseRow(
                facet: .history, item: $0.play.uuid, title: $0.title, kind: kind, value: Self.play, theirs: $0.theirs,
                isApart: $0.isApart)
        }
        draft.forgotten = plan.forgotten.map { (.history, $0.uuid) }
        return (draft, plan.unread)
    }

    /// Plays that are left alone: told a moment ago, or refused by the other side.
    private func underWay(_ ours: [StoredPlay]) -> Set<PlayID> {
        let told = ours.filter { frame.inFlight.played.contains($0.title) }.map(\.id)
        return frame.inFlight.plays.union(frame.refused.plays).union(told)
    }

    private func change(
        _ side: SyncSide, _ title: TitleID, _ play: PlayID?, _ theirs: Int64?, was: String?, becomes: String?,
        at: Timestamp?, _ state: SyncChange.State = .planned
    ) -> SyncChange {
        SyncChange(
            facet: .history, side: side, title: title, kind: kind, play: play, theirs: theirs, was: was,
            becomes: becomes, at: at, state: state)
    }
}
