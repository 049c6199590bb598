package import Contracts
import Postgres
package import Store

/// What follows from a person's plays.
package struct WatchStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// The episodes of a series, or of one of its seasons, with what the person made of each.
    package func episodes(
        of series: TitleID, season: Int?, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [EpisodeState] {
        try await database.rows(
            WatchQueries.episodes, [.id(user), .id(series), .int4(season.map { Int32(clamping: $0) })],
            until: deadline)
    }

    /// How often some titles were watched; those that never were are not in the answer.
    package func watched(
        _ titles: [TitleID], by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [WatchedTitle] {
        try await database.rows(WatchQueries.titles, [.id(user), .ids(titles)], until: deadline)
            .filter { $0.plays > 0 }
    }

    /// What some titles are to a person; one answer for each.
    package func states(
        of titles: [TitleID], to user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TitleStanding] {
        if titles.count == 1 {
            return try await database.rows(WatchQueries.state, [.id(user), .id(titles[0])], until: deadline)
        }
        return try await database.rows(WatchQueries.states, [.id(user), .ids(titles)], until: deadline)
    }

    /// One of the answers to one of several questions.
    struct LookedUp: Sendable {
        /// Place of the question, from 0.
        let index: Int
        let version: String
        let isKnown: Bool
        /// Nil where no title is asked for, or it is known.
        let state: TitleStanding?
    }

    /// What titles are to several people where it is not known yet, in their order and that of the titles.
    func states(
        wanted: [PersonTitles], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [LookedUp] {
        let places = wanted.indices.flatMap { index in repeatElement(index + 1, count: wanted[index].titles.count) }
        return try await database.rows(
            WatchQueries.statesSince,
            [
                .ids(wanted.map(\.user)), .textArray(wanted.map(\.known)), .intArray(places),
                .ids(wanted.flatMap(\.titles)),
            ], until: deadline)
    }

    /// Forgets changes of states that nobody can have missed; at most so many, and whether there may be more.
    func sweep(until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        let gone = try await database.rows(
            WatchQueries.sweepChanges,
            [.double(LedgerLimits.stateChangesKeptFor.inSeconds), .int(LedgerLimits.stateChangesSweptMax)],
            until: deadline)
        return gone.count == LedgerLimits.stateChangesSweptMax
    }

    /// How far a person got with a title; nil where it was not begun, or watched since, by whichever road.
    func progress(
        of title: TitleID, to user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> HalfWatched? {
        try await database.rows(WatchQueries.progress, [.id(user), .id(title)], until: deadline).first
    }

    /// The plays of some titles that stand.
    package func plays(
        of titles: [TitleID], by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayID] {
        try await database.rows(WatchQueries.plays, [.id(user), .ids(titles)], until: deadline)
    }

    /// What the person may go on with, the latest first.
    package func goingOn(
        _ user: UserID, today: CalendarDate, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [GoingOn] {
        try await database.rows(
            WatchQueries.goingOn, [.id(user), .day(today), .int(limit)], until: deadline)
    }
}
