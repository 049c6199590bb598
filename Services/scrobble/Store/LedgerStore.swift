package import Contracts
import Postgres
package import Store

/// The ledger of plays in Postgres.
package struct LedgerStore: Sendable {
    let database: Database
    let ids: any IDSource

    package init(database: Database, ids: any IDSource) {
        self.database = database
        self.ids = ids
    }

    /// Plays that arrive together from one source.
    package struct Arrival: Sendable {
        package let user: UserID
        /// The person's time zone as an IANA name; it determines the day of a play.
        package let timeZone: String
        /// The batch that the plays are undone with; nil for a person's own click.
        package let batch: BatchID?
        package let at: Timestamp
        /// Whether they are a person's own click, which restores what the person removed; a file does not.
        package let isByHand: Bool
        package let plays: [IncomingPlay]
        /// Whether connections are told of new plays. False for plays that a connection brought.
        package let telling: Bool
        /// Whether plays that the source reported before may have moved to another day.
        package let moving: Bool

        package init(
            user: UserID, timeZone: String, batch: BatchID?, at: Timestamp, isByHand: Bool, plays: [IncomingPlay],
            telling: Bool, moving: Bool = false
        ) {
            self.user = user
            self.timeZone = timeZone
            self.batch = batch
            self.at = at
            self.isByHand = isByHand
            self.plays = plays
            self.telling = telling
            self.moving = moving
        }
    }

    /// The days of moments in a time zone. Throws `invalidValue` for an unknown zone.
    package func days(
        of moments: [Timestamp], in timeZone: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [CalendarDate] {
        guard !moments.isEmpty, timeZone != "UTC" else { return moments.map(\.date) }
        return try await database.rows(
            LedgerQueries.days,
            [
                .timestampArray(moments.map { PGTimestamp(microseconds: $0.microsecondsSinceEpoch) }), .text(timeZone),
            ], until: deadline)
    }

    /// The starts of days in a time zone. Throws as `days` does.
    func starts(
        of days: [CalendarDate], in timeZone: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Timestamp] {
        let midnights = days.map { Timestamp($0) }
        guard !days.isEmpty, timeZone != "UTC" else { return midnights }
        return try await database.rows(
            LedgerQueries.starts,
            [
                .timestampArray(midnights.map { PGTimestamp(microseconds: $0.microsecondsSinceEpoch) }),
                .text(timeZone),
            ], until: deadline)
    }

    /// The day of each moment in a time zone; empty for an unknown zone.
    package func localDays(of moments: [Timestamp], in timeZone: String) async -> [Timestamp: CalendarDate] {
        guard let days = try? await days(of: moments, in: timeZone, until: .now + .seconds(30)) else { return [:] }
        return Dictionary(zip(moments, days)) { first, _ in first }
    }

    /// The day of a moment in a time zone.
    static func day(
        of moment: Timestamp, in timeZone: String, _ transaction: PGTransaction
    ) async throws(PGError) -> CalendarDate {
        if timeZone == "UTC" { return moment.date }
        let instants = PGValue.timestampArray([PGTimestamp(microseconds: moment.microsecondsSinceEpoch)])
        return try await transaction.first(LedgerQueries.days, [instants, .text(timeZone)]) ?? moment.date
    }

    /// Writes the plays that do not exist yet, at most `LedgerLimits.itemsMax`. Returns one verdict for each play, in
    /// order. `isRepeatable` is for callers that record their progress and would resume from there: they need not wait
    /// for the disk.
    package func add(
        _ arrival: Arrival, isRepeatable: Bool = false, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayVerdict] {
        guard !arrival.plays.isEmpty else { return [] }
        let durability: PGDurability = isRepeatable ? .eventual : .immediate
        return try await database.transaction(until: deadline, durability: durability) { transaction throws(PGError) in
            try await add(arrival, in: transaction)
        }
    }

    /// Writes the plays within the transaction that they come from.
    func add(_ arrival: Arrival, in transaction: PGTransaction) async throws(PGError) -> [PlayVerdict] {
        try await transaction.execute(LedgerQueries.lock, [.text(arrival.user.description)])
        let found = try await transaction.query(LedgerQueries.known, Self.knownValues(arrival))
        var matcher = PlayMatcher(
            known: Self.ofTitles(found, arrival), now: arrival.at, mayMove: arrival.moving)
        var verdicts = arrival.plays.map { matcher.verdict(on: $0) { PlayID(ids.next()) } }
        if let batch = arrival.batch { try await keepBefore(verdicts, batch, arrival.user, in: transaction) }
        if arrival.isByHand { try await restore(&verdicts, arrival, in: transaction) }
        try await write(arrival, verdicts, taken: Set(found.flatMap(\.sources)), in: transaction)
        try await refine(matcher.refined, user: arrival.user, batch: arrival.batch, in: transaction)
        try await endProgress(arrival, verdicts, in: transaction)
        if arrival.telling { try await tell(arrival, verdicts, in: transaction) }
        if !matcher.moved.isEmpty { try await tell(of: matcher.moved, arrival, verdicts, in: transaction) }
        return verdicts
    }

    /// What `add` would return. Nothing is written, and the ids of new plays are meaningless.
    package func judge(
        _ arrival: Arrival, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayVerdict] {
        guard !arrival.plays.isEmpty else { return [] }
        let known = try await database.rows(LedgerQueries.known, Self.knownValues(arrival), until: deadline)
        var matcher = PlayMatcher(
            known: Self.ofTitles(known, arrival), now: arrival.at, mayMove: arrival.moving)
        return arrival.plays.map { matcher.verdict(on: $0) { PlayID(ids.next()) } }
    }

    /// Removes plays so that they stay removed. Returns those that existed. Connections are told if `telling`.
    package func remove(
        _ plays: [PlayID], by writer: LedgerWriter, telling: Bool, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Set<PlayID> {
        guard !plays.isEmpty else { return [] }
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await remove(plays, by: writer, telling: telling, in: transaction)
        }
    }

    /// Removes plays within another transaction.
    func remove(
        _ plays: [PlayID], by writer: LedgerWriter, telling: Bool, in transaction: PGTransaction
    ) async throws(PGError) -> Set<PlayID> {
        let removed = try await transaction.query(
            LedgerQueries.remove, [.id(writer.user), .ids(plays), .moment(writer.at), .id(writer.batch)])
        guard telling, !removed.isEmpty else { return Set(removed.map(\.id)) }
        // An undo is not a removal by the person: it takes back what we sent.
        let connections = try await transaction.query(PlaybackQueries.connections, [.id(writer.user)]).filter {
            $0.tellsRemovals || writer.authority != .person
        }
        // A live removal would overtake a bulk job that is still to add the play.
        let added = removed.map { "play \($0.id)" }
        _ = try await QueueStore.withdraw(added, of: writer.user, because: "removed here", in: transaction)
        let left = try await QueueStore.bulk(about: added, of: writer.user, in: transaction)
        let jobs = connections.flatMap { connection in
            removed.map { play in
                let isBehind = left.contains(
                    JobSubject(provider: connection.provider, fingerprint: "play \(play.id)"))
                return NewJob(
                    id: ids.next(), lane: LaneKey(user: writer.user, provider: connection.provider),
                    urgency: writer.authority == .person && !isBehind ? .live : .bulk, kind: play.kind,
                    title: play.title, action: .removePlay,
                    payload: JobPayload(watchedAt: play.watchedAt, precision: play.precision),
                    fingerprint: "remove \(play.id)", isOneOfMany: removed.count > 1)
            }
        }
        try await QueueStore.enqueue(jobs, in: transaction)
        return Set(removed.map(\.id))
    }

    /// The latest play of each job's title, without a play that the job only removes elsewhere.
    package func standing(
        behind jobs: [UUIDBits], of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [UUIDBits: StandingPlay] {
        let rows = try await database.rows(
            LedgerQueries.standing, [.id(user), .uuidArray(jobs.map { PGUUID($0) })], until: deadline)
        return Dictionary(rows.map { ($0.job, $0.play) }) { first, _ in first }
    }

    /// A source row of another title's play says nothing about the incoming one.
    private static func ofTitles(_ found: [KnownPlay], _ arrival: Arrival) -> [KnownPlay] {
        let titles = Set(arrival.plays.map(\.title))
        return found.filter { titles.contains($0.title) }
    }

    private static func knownValues(_ arrival: Arrival) -> [PGValue] {
        let plays = arrival.plays
        return knownValues(
            arrival.user, arrival.timeZone, plays.map { ($0.title, PlayMatcher.reach(of: $0.moment)) },
            sources: plays.map(\.source))
    }

    /// The parameters of `LedgerQueries.known`.
    static func knownValues(
        _ user: UserID, _ timeZone: String, _ wanted: [(title: TitleID, reach: ClosedRange<Timestamp>)],
        sources: [PlaySource] = []
    ) -> [PGValue] {
        let told = sources.filter { $0.name == ImportSource.reelay.rawValue }.compactMap { PlayID($0.key) }
        return [
            .id(user), .text(timeZone), .ids(wanted.map(\.title)),
            .timestampArray(wanted.map { PGTimestamp(microseconds: $0.reach.lowerBound.microsecondsSinceEpoch) }),
            .timestampArray(wanted.map { PGTimestamp(microseconds: $0.reach.upperBound.microsecondsSinceEpoch) }),
            .textArray(sources.map(\.name)), .textArray(sources.map(\.key)), .ids(told),
        ]
    }

    /// Records the state of plays that the batch only reports, refines or moves.
    private func keepBefore(
        _ verdicts: [PlayVerdict], _ batch: BatchID, _ user: UserID, in transaction: PGTransaction
    ) async throws(PGError) {
        let there = verdicts.compactMap { verdict in
            switch verdict {
            case .same(let id), .moved(let id), .removed(let id): id
            case .new, .known: nil as PlayID?
            }
        }
        guard !there.isEmpty else { return }
        try await transaction.execute(LedgerQueries.keepBefore, [.id(user), .id(batch), .ids(there)])
    }

    func refine(
        _ refined: [PlayID: PlayMoment], user: UserID, batch: BatchID?, in transaction: PGTransaction
    ) async throws(PGError) {
        guard !refined.isEmpty else { return }
        let plays = Array(refined)
        let moments = plays.map(\.value)
        try await transaction.execute(
            LedgerQueries.refine,
            [
                .id(user), .ids(plays.map(\.key)), .timestampArray(moments.map(\.instant)),
                .dateArray(moments.map(\.date)), .textArray(moments.map(\.precision.rawValue)),
                .timestampArray(moments.map(\.place)), .id(batch),
            ])
    }

    /// Ends progress that dates from before a play reported by the person or a player. What files and syncs bring is
    /// weighed when progress is requested, because they report progress themselves.
    private func endProgress(
        _ arrival: Arrival, _ verdicts: [PlayVerdict], in transaction: PGTransaction
    ) async throws(PGError) {
        guard arrival.isByHand || arrival.batch == nil else { return }
        let plays = zip(arrival.plays, verdicts).filter { $0.1.lasting != nil }.map(\.0)
        guard !plays.isEmpty else { return }
        try await transaction.execute(
            LedgerQueries.endProgress,
            [
                .id(arrival.user), .ids(plays.map(\.title)),
                .timestampArray(
                    plays.map { play in
                        // Whoever clicks without a date has watched it by now.
                        let isUndated = play.moment == .unknown && arrival.isByHand
                        let end = isUndated ? arrival.at : play.moment.listedAt
                        return PGTimestamp(microseconds: end.microsecondsSinceEpoch)
                    }),
                .moment(arrival.at), .id(arrival.batch),
            ])
    }

    private func restore(
        _ verdicts: inout [PlayVerdict], _ arrival: Arrival, in transaction: PGTransaction
    ) async throws(PGError) {
        let removed = verdicts.compactMap { if case .removed(let id) = $0 { id } else { nil as PlayID? } }
        guard !removed.isEmpty else { return }
        let restored = try await transaction.query(
            LedgerQueries.restore, [.id(arrival.user), .ids(removed), .id(arrival.batch)])
        verdicts = verdicts.map { if case .removed(let id) = $0 { .same(id) } else { $0 } }
        if arrival.telling { try await tellAgain(restored, arrival, in: transaction) }
    }

    /// Tells connections of restored plays. Those not told of the removal yet need not be told at all; the others lack
    /// the plays.
    private func tellAgain(
        _ restored: [RemovedPlay], _ arrival: Arrival, in transaction: PGTransaction
    ) async throws(PGError) {
        let untold = try await QueueStore.withdraw(
            restored.map { "remove \($0.id)" }, of: arrival.user, because: "restored here", in: transaction)
        let told = try await transaction.query(
            LedgerQueries.toldRemovals,
            [
                .id(arrival.user), .ids(restored.map(\.id)), .textArray(untold.map(\.provider.rawValue)),
                .textArray(untold.map(\.fingerprint)),
            ])
        guard !told.isEmpty else { return }
        let plays = Dictionary(restored.map { ($0.id, $0) }) { first, _ in first }
        let connections = try await transaction.query(PlaybackQueries.connections, [.id(arrival.user)])
        let jobs = told.compactMap { told -> NewJob? in
            guard let play = plays[told.play], connections.contains(where: { $0.provider == told.provider }) else {
                return nil
            }
            return NewJob(
                id: ids.next(), lane: LaneKey(user: arrival.user, provider: told.provider), urgency: .live,
                kind: play.kind, title: play.title, action: .addPlay,
                payload: JobPayload(watchedAt: play.watchedAt, precision: play.precision),
                fingerprint: "play \(play.id)", isOneOfMany: restored.count > 1)
        }
        try await QueueStore.enqueue(jobs, in: transaction)
    }

    /// Writes new plays and sources. `taken` contains the incoming sources that are already stored, whatever title they
    /// lead to.
    private func write(
        _ arrival: Arrival, _ verdicts: [PlayVerdict], taken: Set<PlaySource>, in transaction: PGTransaction
    ) async throws(PGError) {
        var taken = taken
        var new: [(id: PlayID, play: IncomingPlay)] = []
        var roads: [(id: PlayID, play: IncomingPlay)] = []
        for (play, verdict) in zip(arrival.plays, verdicts) {
            switch verdict {
            case .known, .moved: continue
            case .new(let id): new.append((id, play))
            case .same, .removed: break
            }
            if taken.insert(play.source).inserted { roads.append((verdict.play, play)) }
        }
        if !new.isEmpty { try await insert(new, arrival, in: transaction) }
        guard !roads.isEmpty else { return }
        try await transaction.execute(
            LedgerQueries.addSources,
            [
                .id(arrival.user), .ids(roads.map(\.id)), .textArray(roads.map(\.play.source.name)),
                .textArray(roads.map(\.play.source.key)), .moment(arrival.at), .id(arrival.batch),
                .boolArray(roads.map { $0.play.moment != .unknown }),
            ])
    }

    private func insert(
        _ new: [(id: PlayID, play: IncomingPlay)], _ arrival: Arrival, in transaction: PGTransaction
    ) async throws(PGError) {
        let moments = new.map(\.play.moment)
        try await transaction.execute(
            LedgerQueries.insert,
            [
                .id(arrival.user), .ids(new.map(\.id)), .ids(new.map(\.play.title)),
                .textArray(new.map(\.play.kind.rawValue)), .timestampArray(moments.map(\.instant)),
                .dateArray(moments.map(\.date)), .textArray(moments.map(\.precision.rawValue)),
                .doubleArray(new.map(\.play.percent)),
                .int4Array(new.map { $0.play.runtimeMinutes.map { Int32(clamping: $0) } }),
                .id(arrival.batch), .moment(arrival.at), .timestampArray(moments.map(\.place)),
                .uuidArray(
                    new.map { $0.play.episode.map { PGUUID(high: $0.series.uuid.high, low: $0.series.uuid.low) } }),
            ])
    }

    private func tell(
        _ arrival: Arrival, _ verdicts: [PlayVerdict], in transaction: PGTransaction
    ) async throws(PGError) {
        let connections = try await transaction.query(PlaybackQueries.connections, [.id(arrival.user)])
        let new = zip(arrival.plays, verdicts).compactMap { play, verdict in
            if case .new(let id) = verdict { (id, play) } else { nil as (PlayID, IncomingPlay)? }
        }
        let jobs = connections.flatMap { connection in
            new.map { id, play in
                NewJob(
                    id: ids.next(), lane: LaneKey(user: arrival.user, provider: connection.provider),
                    urgency: arrival.isByHand ? .live : .bulk, kind: play.kind, title: play.title, action: .addPlay,
                    payload: JobPayload(
                        progressPercent: play.percent,
                        watchedAt: play.moment == .unknown ? nil : play.moment.listedAt,
                        precision: play.moment.precision),
                    fingerprint: "play \(id)", isOneOfMany: new.count > 1)
            }
        }
        try await QueueStore.enqueue(jobs, in: transaction)
    }
}

/// A moment in the columns of a play.
extension PlayMoment {
    fileprivate var instant: PGTimestamp? {
        switch self {
        case .second(let at, _), .minute(let at, _): PGTimestamp(microseconds: at.microsecondsSinceEpoch)
        case .day, .unknown: nil
        }
    }

    fileprivate var date: PGDate? {
        if case .day(let day) = self { PGDate(days: Int32(clamping: day.daysSinceEpoch)) } else { nil }
    }

    fileprivate var place: PGTimestamp { PGTimestamp(microseconds: listedAt.microsecondsSinceEpoch) }
}
