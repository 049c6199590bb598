package import Contracts
import Postgres
package import Store

/// Watchlist, collection, likes and progress in Postgres.
///
/// Each call takes up to `LedgerLimits.itemsMax` items and is one transaction under the lock of the person's ledger.
package struct ShelfStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// Writes the items that are new or changed. Returns one outcome for each, in order.
    ///
    /// Throws `conflict(constraint: "person_deleted")` for a person who is gone.
    package func put<Details: ShelvedDetails>(
        _ items: [ShelfItem<Details>], by writer: LedgerWriter, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [LedgerOutcome] {
        guard !items.isEmpty else { return [] }
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await Self.put(items, by: writer, in: transaction)
        }
    }

    /// What `put` would return; nothing is written.
    package func judge<Details: ShelvedDetails>(
        _ items: [ShelfItem<Details>], by writer: LedgerWriter, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [LedgerOutcome] {
        guard !items.isEmpty else { return [] }
        let known = try await known(items.map(\.title), of: writer.user, as: Details.self, until: deadline)
        return ShelfRule.outcomes(of: items, meeting: known, writer.authority)
    }

    /// Removes titles so that they stay removed. Returns one outcome for each, in order. `moment` is when they were
    /// removed.
    package func remove<Details: ShelvedDetails>(
        _ titles: [TitleID], as kind: Details.Type, at moment: Timestamp, by writer: LedgerWriter,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [LedgerOutcome] {
        guard !titles.isEmpty else { return [] }
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(LedgerQueries.lock, [.text(writer.user.description)])
            let known = Self.byTitle(
                try await transaction.query(Details.queries.known, [.id(writer.user), .ids(titles)]))
            let outcomes = ShelfRule.removals(of: titles, from: known, at: moment, writer.authority)
            let gone = zip(titles, outcomes).filter { $0.1 == .removed }.map(\.0)
            guard !gone.isEmpty, let remove = ShelvesQueries.remove[Details.shelf] else { return outcomes }
            try await transaction.execute(
                remove,
                [
                    .id(writer.user), .ids(gone), .moment(moment), .moment(writer.at), .text(writer.source),
                    .id(writer.batch),
                ])
            return outcomes
        }
    }

    /// The items of some titles, including removed ones.
    package func known<Details: ShelvedDetails>(
        _ titles: [TitleID], of user: UserID, as kind: Details.Type, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TitleID: KnownItem<Details>] {
        Self.byTitle(
            try await database.rows(Details.queries.known, [.id(user), .ids(titles)], until: deadline))
    }

    /// The items after `place`, newest first; of some kinds, or of all if that is nil.
    package func page<Details: ShelvedDetails>(
        of user: UserID, as kind: Details.Type, after place: ShelfCursor, kinds: [TitleKind]?, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [KnownItem<Details>] {
        try await database.rows(
            Details.queries.page,
            [
                .id(user), .moment(place.at), .id(place.title), .textArray(kinds?.map(\.rawValue)), .int(limit),
            ], until: deadline)
    }

    /// The watchlist's items of one status after `place`, newest first; with `since`, only those written down later.
    package func wishes(
        of user: UserID, _ status: WishStatus, since: Timestamp?, after place: ShelfCursor, kinds: [TitleKind]?,
        limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [KnownItem<WatchlistDetails>] {
        try await database.rows(
            WatchlistDetails.pageOfStatus,
            [
                .id(user), .moment(place.at), .id(place.title), .textArray(kinds?.map(\.rawValue)), .int(limit),
                .text(WatchlistDetails.word(status)), .moment(since),
            ], until: deadline)
    }

    /// Writes items within a larger transaction.
    static func put<Details: ShelvedDetails>(
        _ items: [ShelfItem<Details>], by writer: LedgerWriter, in transaction: PGTransaction
    ) async throws(PGError) -> [LedgerOutcome] {
        try await transaction.execute(LedgerQueries.lock, [.text(writer.user.description)])
        let known = byTitle(
            try await transaction.query(
                Details.queries.known, [.id(writer.user), .ids(items.map(\.title))]))
        let outcomes = ShelfRule.outcomes(of: items, meeting: known, writer.authority)
        let news = zip(items, outcomes).filter { $0.1.isChange }.map(\.0)
        guard !news.isEmpty else { return outcomes }
        try await transaction.execute(
            Details.queries.write,
            [
                .id(writer.user), .ids(news.map(\.title)), .textArray(news.map(\.kind.rawValue)),
                .timestampArray(news.map { PGTimestamp(microseconds: $0.at.microsecondsSinceEpoch) }),
                .text(writer.source), .id(writer.batch), .moment(writer.at),
            ] + Details.values(news.map(\.details)))
        return outcomes
    }

    private static func byTitle<Details>(_ items: [KnownItem<Details>]) -> [TitleID: KnownItem<Details>] {
        Dictionary(items.map { ($0.item.title, $0) }) { first, _ in first }
    }
}
