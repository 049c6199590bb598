package import Contracts
import JSON
import Postgres
package import Store

/// A person's Simkl library as last read: Simkl reports everything only once, and then what has changed.
package struct SimklMirrorStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// The stamps of the last reading; nil before the first.
    package func stamps(
        of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> SimklStamps? {
        try await database.rows(SimklMirrorQueries.stamps, [.id(user)], until: deadline).first.flatMap(\.self)
    }

    /// The items of some groups, including those that are gone.
    package func items(
        of user: UserID, in groups: [String], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SimklRows.Item] {
        try await database.rows(SimklMirrorQueries.items, [.id(user), .textArray(groups)], until: deadline)
    }

    /// The numbers of a group's items that are present.
    package func numbers(
        of user: UserID, in group: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Set<Int64> {
        Set(try await database.rows(SimklMirrorQueries.numbers, [.id(user), .text(group)], until: deadline))
    }

    /// Stores what a reading brought, as a whole or not at all. `rests` names, for some groups, the only items that
    /// remain.
    package func keep(
        _ items: [SimklRows.Item], _ rests: [String: SimklStamps.Rest], _ stamps: SimklStamps, of user: UserID,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            for start in stride(from: 0, to: items.count, by: Self.rowsAtOnce) {
                let part = items[start..<min(start + Self.rowsAtOnce, items.count)]
                try await transaction.execute(
                    SimklMirrorQueries.put,
                    [
                        .id(user), .int8Array(part.map(\.simkl)), .textArray(part.map(\.group)),
                        .textArray(part.map { String(decoding: encodeJSON($0.row), as: UTF8.self) }),
                    ])
            }
            for (group, rest) in rests.sorted(by: { $0.key < $1.key }) {
                try await transaction.execute(
                    SimklMirrorQueries.setGone, [.id(user), .text(group), .int8Array(rest.left.sorted())])
            }
            try await transaction.execute(
                SimklMirrorQueries.setStamps,
                [.id(user), .text(String(decoding: encodeJSON(stamps.stored), as: UTF8.self))])
        }
    }

    /// Marks items as gone that left the lists there because we removed them.
    package func drop(
        _ numbers: [Int64], of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(SimklMirrorQueries.drop, [.id(user), .int8Array(numbers)], until: deadline)
    }

    private static let rowsAtOnce = 500
}
