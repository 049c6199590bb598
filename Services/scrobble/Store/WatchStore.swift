package import Contracts
import Postgres
package import Store

/// What follows from a person's plays.
package struct WatchStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// The episodes of a series, or of one of its seasons, each with its state for the person.
    package func episodes(
        of series: TitleID, season: Int?, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [EpisodeState] {
        try await database.rows(
            WatchQueries.episodes, [.id(user), .id(series), .int4(season.map { Int32(clamping: $0) })],
            until: deadline)
    }

    /// How often some titles were watched; those that never were are not returned.
    package func watched(
        _ titles: [TitleID], by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [WatchedTitle] {
        try await database.rows(WatchQueries.titles, [.id(user), .ids(titles)], until: deadline)
            .filter { $0.plays > 0 }
    }

    /// The states of some titles for a person, one for each.
    package func states(
        of titles: [TitleID], to user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TitleStanding] {
        if titles.count == 1 {
            return try await database.rows(WatchQueries.state, [.id(user), .id(titles[0])], until: deadline)
        }
        return try await database.rows(WatchQueries.states, [.id(user), .ids(titles)], until: deadline)
    }

    /// A row of the answer to one of several questions.
    struct LookedUp: Sendable {
        /// The version of everything in the database (`Database.versionSQL`).
        let data: String
        /// The index of the question, from 0.
        let index: Int
        let version: String
        let isKnown: Bool
        /// Nil if no title is asked for, or the version is known.
        let state: TitleStanding?
    }

    /// The states of titles for several people, unless their version is known, in the order of the questions and of
    /// their titles.
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

    /// Deletes a limited number of state changes that nobody can have missed. Returns whether there may be more.
    func sweep(until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        let gone = try await database.rows(
            WatchQueries.sweepChanges,
            [.double(LedgerLimits.stateChangesKeptFor.inSeconds), .int(LedgerLimits.stateChangesSweptMax)],
            until: deadline)
        return gone.count == LedgerLimits.stateChangesSweptMax
    }

    /// How far a person got with a title; nil if it was not begun, or watched since, by whatever source.
    func progress(
        of title: TitleID, to user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> HalfWatched? {
        try await database.rows(WatchQueries.progress, [.id(user), .id(title)], until: deadline).first
    }

    /// The plays of some titles that have not been removed.
    package func plays(
        of titles: [TitleID], by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayID] {
        try await database.rows(WatchQueries.plays, [.id(user), .ids(titles)], until: deadline)
    }

    /// What the person may continue with, latest first.
    package func goingOn(
        _ user: UserID, today: CalendarDate, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [GoingOn] {
        try await database.rows(
            WatchQueries.goingOn, [.id(user), .day(today), .int(limit)], until: deadline)
    }
}
