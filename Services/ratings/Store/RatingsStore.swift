import Contracts
import Postgres
package import Store

/// A person's ratings in Postgres.
package struct RatingsStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// Writes a rating, new or changed; the last one to arrive stays.
    func upsert(_ rating: Rating, of user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(
            RatingsQueries.upsert,
            [
                .id(user), .id(rating.title), .word(rating.kind), .rating(rating.rating), .text(rating.review),
                .bool(rating.spoiler), .moment(rating.ratedAt), .moment(rating.updatedAt),
            ], until: deadline)
    }

    /// Whether there was a rating to remove.
    func remove(
        _ title: TitleID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(RatingsQueries.remove, [.id(user), .id(title)], until: deadline).isEmpty
    }

    func rating(
        of title: TitleID, by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Rating? {
        try await database.rows(RatingsQueries.get, [.id(user), .id(title)], until: deadline).first
    }

    /// The ratings of those among `titles` that have one, in no order.
    func ratings(
        of titles: [TitleID], by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Rating] {
        try await database.rows(RatingsQueries.getMany, [.id(user), .ids(titles)], until: deadline)
    }
}
