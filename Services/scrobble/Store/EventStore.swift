import Contracts
import Postgres
package import Store

/// People's events in Postgres. Triggers write them together with the change itself.
package struct EventStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// The events after `place`, of everybody or of one person, in order.
    func events(
        after place: EventPlace, of user: UserID? = nil, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [FeedEvent] {
        let values: [PGValue] = [.text(place.transaction), .int8(place.position), .int(EventLimits.pageMax)]
        if let user { return try await database.rows(EventQueries.afterOf, values + [.id(user)], until: deadline) }
        return try await database.rows(EventQueries.after, values, until: deadline)
    }

    func end(until deadline: ContinuousClock.Instant) async throws(StoreError) -> EventPlace {
        guard let end = try await database.rows(EventQueries.end, [], until: deadline).first else {
            throw .fault("the end of the events was not returned")
        }
        return end
    }

    func isBroken(
        after place: EventPlace, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.rows(EventQueries.isBroken, [.text(place.transaction)], until: deadline).first ?? true
    }

    /// Deletes a limited number of old events. Returns whether there may be more.
    func sweep(until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        let removed = try await database.rows(
            EventQueries.sweep, [.double(EventLimits.keptFor.inSeconds), .int(EventLimits.sweepMax)], until: deadline)
        return removed.count == EventLimits.sweepMax
    }
}
