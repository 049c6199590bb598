package import Contracts
import Postgres
package import Store

/// Plays in Postgres, and what applies to a person as a whole.
package struct ScrobbleStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// Deletes everything of a person and records that; false if that was done before.
    func deletePerson(
        _ user: UserID, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        // The lock is released before the rows are deleted, because a writer waiting for it may hold some of them.
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

    /// The films watched after `place`, oldest first; with `since`, only those written down later.
    func diary(
        of user: UserID, in timeZone: String, since: Timestamp?, after place: HistoryCursor, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [DiaryEntry] {
        try await database.rows(
            ScrobbleQueries.diary,
            [
                .id(user), .text(timeZone), .moment(since), .moment(place.listedAt), .id(place.id), .int(limit),
            ], until: deadline)
    }

    /// The plays after `place` with their notes, oldest first.
    func records(
        of user: UserID, after place: HistoryCursor, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayRecord] {
        try await database.rows(
            ScrobbleQueries.records, [.id(user), .moment(place.listedAt), .id(place.id), .int(limit)], until: deadline)
    }

    /// Those of `plays` that are `user`'s and not removed, in no particular order.
    func plays(
        _ plays: [PlayID], of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Play] {
        try await database.rows(ScrobbleQueries.playsByID, [.id(user), .ids(plays)], until: deadline)
    }

    /// The plays after `place` that match `filter`, newest first.
    package func plays(
        of user: UserID, _ filter: HistoryFilter = HistoryFilter(), after place: HistoryCursor, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ListedPlay] {
        guard let statement = ScrobbleQueries.plays[filter.shape] else { return [] }
        // The time before which plays are requested is itself a place.
        let end = filter.until.map { HistoryCursor(listedAt: $0, id: PlayID(UUIDBits(high: 0, low: 0))) }
        let start = end.map { $0.listedAt < place.listedAt ? $0 : place } ?? place
        var values: [PGValue] = [
            .id(user), .moment(start.listedAt), .id(start.id), .int(limit),
            .moment(filter.from ?? Timestamp(clampingMicrosecondsSinceEpoch: .min)),
        ]
        if filter.shape != .all { values += [.text(filter.kind?.rawValue), .bool(filter.wantsUnknown)] }
        if let named = filter.title ?? filter.series { values.append(.id(named)) }
        return try await database.rows(statement, values, until: deadline)
    }
}
