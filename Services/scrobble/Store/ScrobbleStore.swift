import Contracts
import Postgres
package import Store

/// Sittings and plays in Postgres.
package struct ScrobbleStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// How a sitting ends.
    struct Stop: Sendable {
        let user: UserID
        let session: PlaybackSessionID
        /// 0 to 100.
        let progressPercent: Double
        let at: Timestamp
        /// The id of the play that this makes; nil where the person did not get far enough.
        let play: PlayID?
    }

    func open(_ sitting: Sitting, until deadline: ContinuousClock.Instant) async throws(StoreError) -> PlaybackSession {
        let rows = try await database.rows(
            ScrobbleQueries.open,
            [
                .id(sitting.user), .id(sitting.id), .id(sitting.title), .text(sitting.kind.rawValue),
                .double(sitting.progressPercent), .moment(sitting.startedAt),
            ], until: deadline)
        guard let session = rows.first else { throw .fault("the insert of a playback session answered with no row") }
        return session
    }

    /// What became of the sitting; a sitting that had ended before answers as it did then. Nil where there is none.
    func close(_ stop: Stop, until deadline: ContinuousClock.Instant) async throws(StoreError) -> StopOutcome? {
        let closed = try await database.rows(
            ScrobbleQueries.close,
            [
                .id(stop.user), .id(stop.session), .double(stop.progressPercent), .moment(stop.at),
                .id(stop.play),
            ], until: deadline)
        if let outcome = closed.first { return outcome }
        return try await database.rows(
            ScrobbleQueries.outcomeOf, [.id(stop.user), .id(stop.session)], until: deadline
        ).first
    }

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
            for remove in ScrobbleQueries.removePerson { try await transaction.execute(remove, [.id(user)]) }
        }
        return isNew
    }

    /// The plays after `place`, the latest first.
    func plays(
        of user: UserID, after place: HistoryCursor, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ListedPlay] {
        try await database.rows(
            ScrobbleQueries.plays,
            [.id(user), .moment(place.listedAt), .id(place.id), .int(limit)], until: deadline)
    }
}
