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

    /// What a title each is to several people; one answer for each, in their order.
    func states(
        wanted: [PersonTitle], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TitleStanding] {
        try await database.rows(
            WatchQueries.statesOfPeople, [.ids(wanted.map(\.user)), .ids(wanted.map(\.title))], until: deadline)
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
