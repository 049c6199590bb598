package import Contracts
import Postgres
package import Store

/// The ledger of plays in Postgres.
package struct LedgerStore: Sendable {
    private let database: Database
    private let ids: any IDSource

    /// Plays that are written by one call.
    package static let playsMax = 1_000

    package init(database: Database, ids: any IDSource) {
        self.database = database
        self.ids = ids
    }

    /// Plays that arrive together by one road.
    package struct Arrival: Sendable {
        package let user: UserID
        /// Where the person lives, as the IANA names it; decides on which day a play was.
        package let timeZone: String
        package let batch: UUIDBits?
        package let at: Timestamp
        /// A person's own click brings back what the person removed; a file does not.
        package let isByHand: Bool
        package let plays: [IncomingPlay]
        /// Told of what is new; nil where nobody is, as for what came from there.
        package let telling: Bool

        package init(
            user: UserID, timeZone: String, batch: UUIDBits?, at: Timestamp, isByHand: Bool, plays: [IncomingPlay],
            telling: Bool
        ) {
            self.user = user
            self.timeZone = timeZone
            self.batch = batch
            self.at = at
            self.isByHand = isByHand
            self.plays = plays
            self.telling = telling
        }
    }

    /// On which days moments were in a time zone; throws `conflict` for a zone that nobody knows.
    package func days(
        of moments: [Timestamp], in timeZone: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [CalendarDate] {
        guard !moments.isEmpty else { return [] }
        return try await database.rows(
            LedgerQueries.days,
            [
                .timestampArray(moments.map { PGTimestamp(microseconds: $0.microsecondsSinceEpoch) }), .text(timeZone),
            ], until: deadline)
    }

    /// The day on which a moment was in a time zone.
    static func day(
        of moment: Timestamp, in timeZone: String, _ transaction: PGTransaction
    ) async throws(PGError) -> CalendarDate {
        if timeZone == "UTC" { return moment.date }
        let instants = PGValue.timestampArray([PGTimestamp(microseconds: moment.microsecondsSinceEpoch)])
        return try await transaction.first(LedgerQueries.days, [instants, .text(timeZone)]) ?? moment.date
    }

    /// Writes what is not there yet; one verdict for each play, in their order.
    package func add(
        _ arrival: Arrival, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayVerdict] {
        guard !arrival.plays.isEmpty else { return [] }
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await add(arrival, in: transaction)
        }
    }

    /// As part of the change that the plays come from.
    func add(_ arrival: Arrival, in transaction: PGTransaction) async throws(PGError) -> [PlayVerdict] {
        try await transaction.execute(LedgerQueries.lock, [.text(arrival.user.description)])
        let titles = Array(Set(arrival.plays.map(\.title)))
        let known = try await transaction.query(
            LedgerQueries.known, [.id(arrival.user), .ids(titles), .text(arrival.timeZone)])
        var matcher = PlayMatcher(known: known)
        var verdicts = arrival.plays.map { matcher.verdict(on: $0) { PlayID(ids.next()) } }
        if arrival.isByHand { try await restore(&verdicts, arrival, in: transaction) }
        try await write(arrival, verdicts, in: transaction)
        if arrival.telling { try await tell(arrival, verdicts, in: transaction) }
        return verdicts
    }

    /// Takes a play out; false where there is none.
    package func remove(
        _ play: PlayID, of user: UserID, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await remove(play, of: user, at: moment, in: transaction)
        }
    }

    /// As part of another change.
    func remove(
        _ play: PlayID, of user: UserID, at moment: Timestamp, in transaction: PGTransaction
    ) async throws(PGError) -> Bool {
        guard
            let removed = try await transaction.first(LedgerQueries.remove, [.id(user), .id(play), .moment(moment)])
        else { return false }
        let connections = try await transaction.query(PlaybackQueries.connections, [.id(user)])
        let jobs = connections.map { connection in
            NewJob(
                id: ids.next(), lane: LaneKey(user: user, provider: connection.provider), urgency: .live,
                kind: removed.kind, title: removed.title, action: .removePlay,
                payload: JobPayload(watchedAt: removed.watchedAt, precision: removed.precision),
                fingerprint: "remove \(play)")
        }
        try await QueueStore.enqueue(jobs, in: transaction)
        return true
    }

    private func restore(
        _ verdicts: inout [PlayVerdict], _ arrival: Arrival, in transaction: PGTransaction
    ) async throws(PGError) {
        let removed = verdicts.compactMap { if case .removed(let id) = $0 { id } else { nil as PlayID? } }
        guard !removed.isEmpty else { return }
        try await transaction.execute(LedgerQueries.restore, [.id(arrival.user), .ids(removed)])
        verdicts = verdicts.map { if case .removed(let id) = $0 { .same(id) } else { $0 } }
    }

    private func write(
        _ arrival: Arrival, _ verdicts: [PlayVerdict], in transaction: PGTransaction
    ) async throws(PGError) {
        var new: [(id: PlayID, play: IncomingPlay)] = []
        var roads: [(id: PlayID, source: PlaySource)] = []
        for (play, verdict) in zip(arrival.plays, verdicts) {
            switch verdict {
            case .known: continue
            case .new(let id): new.append((id, play))
            case .same, .removed: break
            }
            roads.append((verdict.play, play.source))
        }
        if !new.isEmpty { try await insert(new, arrival, in: transaction) }
        guard !roads.isEmpty else { return }
        try await transaction.execute(
            LedgerQueries.addSources,
            [
                .id(arrival.user), .ids(roads.map(\.id)), .textArray(roads.map(\.source.name)),
                .textArray(roads.map(\.source.key)), .moment(arrival.at),
            ])
    }

    private func insert(
        _ new: [(id: PlayID, play: IncomingPlay)], _ arrival: Arrival, in transaction: PGTransaction
    ) async throws(PGError) {
        func instant(_ moment: PlayMoment) -> PGTimestamp? {
            switch moment {
            case .second(let at, _), .minute(let at, _): PGTimestamp(microseconds: at.microsecondsSinceEpoch)
            case .day, .unknown: nil
            }
        }
        func day(_ moment: PlayMoment) -> PGDate? {
            if case .day(let day) = moment { PGDate(days: Int32(clamping: day.daysSinceEpoch)) } else { nil }
        }
        let moments = new.map(\.play.moment)
        try await transaction.execute(
            LedgerQueries.insert,
            [
                .id(arrival.user), .ids(new.map(\.id)), .ids(new.map(\.play.title)),
                .textArray(new.map(\.play.kind.rawValue)), .timestampArray(moments.map(instant)),
                .dateArray(moments.map(day)), .textArray(moments.map(\.precision.rawValue)),
                .doubleArray(new.map(\.play.percent)),
                .int4Array(new.map { $0.play.runtimeMinutes.map { Int32(clamping: $0) } }),
                .uuid(arrival.batch.map { PGUUID($0) }), .moment(arrival.at),
                .timestampArray(moments.map { PGTimestamp(microseconds: $0.listedAt.microsecondsSinceEpoch) }),
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
                    fingerprint: "play \(id)")
            }
        }
        try await QueueStore.enqueue(jobs, in: transaction)
    }
}
