package import Contracts
import Postgres
package import Store

/// Plays in Postgres, and what holds for a person as a whole.
package struct ScrobbleStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// Removes everything of a person and remembers that; false where that was done before.
    func deletePerson(
        _ user: UserID, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        // The lock ends before the rows go: a writer that waits for it may hold some of them.
        let isNew = try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(ScrobbleQueries.lockPerson, [.id(user)])
            return try await transaction.execute(ScrobbleQueries.bury, [.id(user), .moment(moment)]) > 0
        }
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(HookQueries.forgetPerson, [.id(user)])
            for remove in ScrobbleQueries.removePerson { try await transaction.execute(remove, [.id(user)]) }
        }
        return isNew
    }

    /// The plays after `place`, the latest first.
    package func plays(
        of user: UserID, after place: HistoryCursor, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ListedPlay] {
        try await database.rows(
            ScrobbleQueries.plays,
            [.id(user), .moment(place.listedAt), .id(place.id), .int(limit)], until: deadline)
    }
}
