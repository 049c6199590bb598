package import Contracts
import Postgres
package import Store

/// Idempotency keys in Postgres.
package struct KeyStore: Sendable {
    /// How long a key is valid.
    static let life = Duration.seconds(24 * 3_600)
    /// Keys deleted by one statement.
    private static let sweepMax = 5_000
    /// How many times a claim looks for a key that other requests keep claiming and releasing.
    private static let looksMax = 5

    private let database: Database

    package init(database: Database) { self.database = database }

    /// Claims a key and returns the request that has it: this one if the key was free.
    package func claim(
        _ key: String, of user: UserID, _ digest: [UInt8], at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> KeyClaim {
        for _ in 0..<Self.looksMax {
            let claim = try await database.rows(
                KeyQueries.claim,
                [
                    .id(user), .text(key), .bytea(digest), .moment(moment),
                    .moment(moment.advanced(by: .zero - Self.life)),
                ], until: deadline
            ).first
            if let claim { return claim }
            // A statement of its own, because the one above does not see what was committed while it waited.
            let other = try await database.rows(KeyQueries.find, [.id(user), .text(key)], until: deadline).first
            if let other { return other }
        }
        throw .unavailable
    }

    /// Stores an answer and returns the one that is valid for the request: the first that was stored. Nil if another
    /// request has the key by now.
    package func keep(
        _ answer: [UInt8], under key: String, of user: UserID, _ digest: [UInt8],
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [UInt8]? {
        try await database.rows(
            KeyQueries.keep, [.id(user), .text(key), .bytea(digest), .bytea(answer)], until: deadline
        ).first?.answer
    }

    package func release(
        _ key: String, of user: UserID, _ digest: [UInt8], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(KeyQueries.release, [.id(user), .text(key), .bytea(digest)], until: deadline)
    }

    /// Deletes a limited number of expired keys. Returns whether there may be more.
    package func sweep(at moment: Timestamp, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        let removed = try await database.rows(
            KeyQueries.sweep, [.moment(moment.advanced(by: .zero - Self.life)), .int(Self.sweepMax)], until: deadline)
        return removed.count == Self.sweepMax
    }
}
