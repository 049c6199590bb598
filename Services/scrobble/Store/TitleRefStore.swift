package import Contracts
import Postgres
package import Store

/// What is known of titles here, in Postgres, and what follows from merged titles.
package struct TitleRefStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    // MARK: Titles

    package func remember(
        _ titles: [TitleRef], at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        guard !titles.isEmpty else { return }
        try await database.run(TitleRefQueries.remember, Self.values(titles, moment), until: deadline)
    }

    /// Replaces the stored episodes of a series.
    package func take(
        _ episodes: [TitleRef], of series: TitleID, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        _ = try await database.run(
            together: [
                TitleRefQueries.remember.bound(Self.values(episodes, moment)),
                TitleRefQueries.forgetOthers.bound([.id(series), .ids(episodes.map(\.title))]),
                TitleRefQueries.tookEpisodes.bound([.id(series), .moment(moment)]),
            ], until: deadline)
    }

    /// When the episodes of a series were last copied; nil for never.
    package func episodesAt(
        of series: TitleID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Timestamp? {
        try await database.rows(TitleRefQueries.episodesAt, [.id(series)], until: deadline).first
    }

    /// Series whose episodes were copied before `moment`, the longest ago first.
    package func stale(
        before moment: Timestamp, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TitleID] {
        try await database.rows(TitleRefQueries.stale, [.moment(moment), .int(limit)], until: deadline)
    }

    /// Played episodes without a known series, except those that metadata was asked about since `moment`.
    package func homeless(
        since moment: Timestamp, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TitleID] {
        try await database.rows(TitleRefQueries.homeless, [.moment(moment), .int(limit)], until: deadline)
    }

    /// Sets the series on the plays of some episodes.
    package func bringHome(
        _ titles: [TitleID], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(TitleRefQueries.bringHome, [.ids(titles)], until: deadline)
    }

    private static func values(_ titles: [TitleRef], _ moment: Timestamp) -> [PGValue] {
        [
            .ids(titles.map(\.title)), .textArray(titles.map(\.kind.rawValue)),
            .uuidArray(titles.map { $0.series.map { PGUUID($0.uuid) } }),
            .int4Array(titles.map { $0.season.map { Int32(clamping: $0) } }),
            .int4Array(titles.map { $0.number.map { Int32(clamping: $0) } }),
            .dateArray(titles.map { $0.releasedOn.map { PGDate(days: Int32(clamping: $0.daysSinceEpoch)) } }),
            .int4Array(titles.map { $0.runtimeMinutes.map { Int32(clamping: $0) } }), .moment(moment),
        ]
    }

    // MARK: Merged titles

    private static let redirectFeed = "metadata.redirects"
    /// People whose plays are re-keyed in one transaction.
    private static let moversMax = 100

    /// How far metadata's feed of merged titles has been read.
    package func redirectPlace(until deadline: ContinuousClock.Instant) async throws(StoreError) -> Int {
        try await database.rows(TitleRefQueries.feedPlace, [.text(Self.redirectFeed)], until: deadline).first ?? 0
    }

    package func setRedirectPlace(
        _ place: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(TitleRefQueries.moveFeed, [.text(Self.redirectFeed), .int(place)], until: deadline)
    }

    /// Re-keys everything of merged titles. Repeating it changes nothing more.
    ///
    /// No title in `moves` may be both gone and one that stays, and no two may be merged into one: see
    /// `TitleMoves.steps`.
    package func apply(
        _ moves: [TitleRedirect], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        guard !moves.isEmpty else { return }
        let gone: [PGValue] = [.ids(moves.map(\.old))]
        let both: [PGValue] = [.ids(moves.map(\.old)), .ids(moves.map(\.new))]
        _ = try await database.run(
            together: [TitleRefQueries.straighten.bound(both), TitleRefQueries.record.bound(both)], until: deadline)
        let rekey =
            TitleRefQueries.rekey + TitleRefQueries.rekeySittings + TitleRefQueries.rekeyRefs + TitleMoveQueries.rekey
        _ = try await database.run(together: rekey.map { $0.bound(gone) }, until: deadline)
        while true {
            let people = try await database.rows(
                TitleRefQueries.movers, gone + [.int(Self.moversMax)], until: deadline)
            guard !people.isEmpty else { return }
            try await rekeyPlays(of: people, moves, until: deadline)
        }
    }

    /// Merges plays of both titles where the rules about plays say that they are one.
    private func rekeyPlays(
        of people: [UserID], _ moves: [TitleRedirect], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let values: [PGValue] = [.ids(moves.map(\.old)), .ids(people)]
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(TitleRefQueries.lockMany, [.ids(people)])
            try await transaction.execute(TitleRefQueries.rekeyPlays, values)
            let known = try await transaction.query(TitleRefQueries.known, values)
            let pairs = Dictionary(grouping: known, by: \.user).flatMap { user, plays in
                Dictionary(grouping: plays.map(\.play), by: \.title).values
                    .flatMap { PlayMerge.pairs($0) }.map { (user: user, pair: $0) }
            }
            guard !pairs.isEmpty else { return }
            let joined: [PGValue] = [
                .ids(pairs.map(\.user)), .ids(pairs.map(\.pair.gone)), .ids(pairs.map(\.pair.stays)),
            ]
            try await transaction.execute(TitleMoveQueries.joinBase, joined)
            for command in TitleMoveQueries.joinPlays { try await transaction.execute(command, joined) }
        }
    }
}
