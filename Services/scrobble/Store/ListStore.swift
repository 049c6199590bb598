package import Contracts
import Postgres
package import Store

/// A person's lists in Postgres.
package struct ListStore: Sendable {
    private let database: Database
    private let ids: any IDSource

    package init(database: Database, ids: any IDSource) {
        self.database = database
        self.ids = ids
    }

    /// The outcome of putting a list.
    package struct PutList: Sendable, Hashable {
        package let id: ListID
        package let outcome: LedgerOutcome
    }

    // MARK: Lists

    /// Creates lists, or finds existing ones by the names that their source uses. Returns one result for each, in
    /// order.
    ///
    /// Nil if the person would have more than `LedgerLimits.listsMax`.
    package func put(
        _ lists: [NewList], by writer: LedgerWriter, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PutList]? {
        guard !lists.isEmpty else { return [] }
        return try await database.transaction(until: deadline) { transaction throws(PGError) -> [PutList]? in
            try await transaction.execute(LedgerQueries.lock, [.text(writer.user.description)])
            let known = try await transaction.query(
                ListQueries.bySource,
                [.id(writer.user), .text(writer.source), .textArray(lists.compactMap(\.sourceKey))])
            let byKey = Dictionary(known.map { ($0.sourceKey, $0) }) { first, _ in first }
            var made: [String: ListID] = [:]
            let answers = lists.map { list -> PutList in
                let there = list.sourceKey.flatMap { byKey[$0] }
                if let key = list.sourceKey, let id = made[key] { return PutList(id: id, outcome: .repeated) }
                let id = there?.id ?? ListID(ids.next())
                if let key = list.sourceKey { made[key] = id }
                return PutList(id: id, outcome: Self.outcome(of: list, meeting: there, writer.authority))
            }
            let count = try await transaction.first(ListQueries.count, [.id(writer.user)]) ?? 0
            let more = answers.count { $0.outcome == .created }
            guard more == 0 || count + more <= LedgerLimits.listsMax else { return nil }
            let news = zip(lists, answers).filter { $0.1.outcome.isChange }
            guard !news.isEmpty else { return answers }
            try await transaction.execute(
                ListQueries.write,
                [
                    .id(writer.user), .ids(news.map(\.1.id)), .textArray(news.map(\.0.name)),
                    .textArray(news.map(\.0.description)), .boolArray(news.map(\.0.isRanked)),
                    .timestampArray(
                        news.map { PGTimestamp(microseconds: $0.0.createdAt.microsecondsSinceEpoch) }),
                    .textArray(news.map(\.0.sourceKey)), .text(writer.source), .id(writer.batch), .moment(writer.at),
                ])
            return answers
        }
    }

    /// The outcomes that putting lists would have; nothing is written.
    package func judge(
        _ lists: [NewList], by writer: LedgerWriter, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [LedgerOutcome] {
        guard !lists.isEmpty else { return [] }
        let known = try await database.rows(
            ListQueries.bySource,
            [.id(writer.user), .text(writer.source), .textArray(lists.compactMap(\.sourceKey))], until: deadline)
        let byKey = Dictionary(known.map { ($0.sourceKey, $0) }) { first, _ in first }
        return lists.map { Self.outcome(of: $0, meeting: $0.sourceKey.flatMap { byKey[$0] }, writer.authority) }
    }

    /// The outcome of creating a list.
    package enum Made: Sendable, Hashable {
        case made(StoredList)
        /// The list was created before, with the same `sourceKey`.
        case wasMade(StoredList)
        case tooMany
    }

    /// Creates a list, or finds the one created with the same `sourceKey`.
    package func make(
        _ list: NewList, by writer: LedgerWriter, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Made {
        guard let put = try await put([list], by: writer, until: deadline)?.first else { return .tooMany }
        guard let stored = try await self.list(put.id, of: writer.user, until: deadline) else { return .tooMany }
        return put.outcome == .created ? .made(stored) : .wasMade(stored)
    }

    /// The outcome of editing a list.
    package enum Edited: Sendable, Hashable {
        case edited(StoredList)
        /// The list is not as expected.
        case unexpected
        case noSuchList
    }

    /// Changes a list if it is as `expected`, or in any case if that is nil. An empty description removes it; nil
    /// leaves a value as it is.
    package func edit(
        _ list: ListID, of user: UserID, name: String?, description: String?, isRanked: Bool?,
        expected: TitleList? = nil, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Edited {
        let values: [PGValue] = [
            .id(user), .id(list), .text(name), .text(description), .bool(isRanked), .moment(moment),
        ]
        guard let expected else {
            return try await database.rows(ListQueries.edit, values, until: deadline).first.map(Edited.edited)
                ?? .noSuchList
        }
        return try await database.transaction(until: deadline) { transaction throws(PGError) -> Edited in
            // Locked first, so that the count of items is not from before.
            guard try await hold(list, user, transaction),
                let found = try await transaction.first(ListQueries.get, [.id(user), .id(list)])
            else { return .noSuchList }
            guard found.contract == expected else { return .unexpected }
            return try await transaction.first(ListQueries.edit, values).map(Edited.edited) ?? .noSuchList
        }
    }

    /// Removes lists with all their items. Returns the ids of those that existed.
    package func remove(
        _ lists: [ListID], by writer: LedgerWriter, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Set<ListID> {
        Set(
            try await database.rows(
                ListQueries.remove, [.id(writer.user), .ids(lists), .moment(writer.at), .id(writer.batch)],
                until: deadline))
    }

    package func list(
        _ list: ListID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> StoredList? {
        try await database.rows(ListQueries.get, [.id(user), .id(list)], until: deadline).first
    }

    /// The lists after `place`, newest first.
    package func page(
        of user: UserID, after place: ShelfCursor, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [StoredList] {
        try await database.rows(
            ListQueries.page, [.id(user), .moment(place.at), .id(place.title), .int(limit)], until: deadline)
    }

    // MARK: Items

    /// The outcome of writing the items of a list.
    package enum ItemsAnswer: Sendable, Hashable {
        case done([LedgerOutcome])
        case noSuchList
        /// The list would have more than `LedgerLimits.listItemsMax`.
        case tooMany
    }

    /// Writes the items that are new or changed. Returns one outcome for each, in order.
    package func put(
        _ items: [ShelfItem<ListItemDetails>], on list: ListID, by writer: LedgerWriter,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ItemsAnswer {
        guard !items.isEmpty else { return .done([]) }
        return try await database.transaction(until: deadline) { transaction throws(PGError) -> ItemsAnswer in
            guard try await hold(list, writer.user, transaction) else { return .noSuchList }
            let known = try await known(items.map(\.title), list, writer.user, transaction)
            let size =
                try await transaction.first(ListQueries.size, [.id(writer.user), .id(list)])
                ?? ListSize(lastRank: 0, count: 0)
            let ranked = ListOrder.ranked(items, known: known, last: size.lastRank)
            let outcomes = ShelfRule.outcomes(of: ranked, meeting: known, writer.authority)
            guard size.count + outcomes.count(where: { $0 == .created }) <= LedgerLimits.listItemsMax else {
                return .tooMany
            }
            let news = zip(ranked, outcomes).filter { $0.1.isChange }.map(\.0)
            guard !news.isEmpty else { return .done(outcomes) }
            try await transaction.execute(
                ListQueries.writeItems,
                [
                    .id(writer.user), .id(list), .ids(news.map(\.title)), .textArray(news.map(\.kind.rawValue)),
                    .timestampArray(news.map { PGTimestamp(microseconds: $0.at.microsecondsSinceEpoch) }),
                    .textArray(news.map(\.details.note)),
                    .int4Array(news.map { Int32(clamping: $0.details.rank ?? 0) }), .text(writer.source),
                    .id(writer.batch), .moment(writer.at),
                ])
            return .done(outcomes)
        }
    }

    /// Removes titles from a list so that they stay removed. Returns one outcome for each, in order.
    package func remove(
        _ titles: [TitleID], from list: ListID, at moment: Timestamp, by writer: LedgerWriter,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ItemsAnswer {
        guard !titles.isEmpty else { return .done([]) }
        return try await database.transaction(until: deadline) { transaction throws(PGError) -> ItemsAnswer in
            guard try await hold(list, writer.user, transaction) else { return .noSuchList }
            let known = try await known(titles, list, writer.user, transaction)
            let outcomes = ShelfRule.removals(of: titles, from: known, at: moment, writer.authority)
            let gone = zip(titles, outcomes).filter { $0.1 == .removed }.map(\.0)
            guard !gone.isEmpty else { return .done(outcomes) }
            try await transaction.execute(
                ListQueries.removeItems,
                [
                    .id(writer.user), .id(list), .ids(gone), .moment(moment), .moment(writer.at), .text(writer.source),
                    .id(writer.batch),
                ])
            return .done(outcomes)
        }
    }

    /// Moves titles before `anchor`, or to the end if it is nil; false if there is no such list.
    package func move(
        _ titles: [TitleID], before anchor: TitleID?, on list: ListID, of user: UserID, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            guard try await hold(list, user, transaction) else { return false }
            let order = try await transaction.query(ListQueries.order, [.id(user), .id(list)])
            let moved = ListOrder.moving(titles, before: anchor, in: order)
            try await transaction.execute(
                ListQueries.renumber, [.id(user), .id(list), .ids(moved), .moment(moment)])
            return true
        }
    }

    /// The items after a place (rank and title), in the order of the list.
    package func items(
        of list: ListID, _ user: UserID, after place: (rank: Int, title: TitleID), limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [KnownItem<ListItemDetails>] {
        try await database.rows(
            ListQueries.itemPage,
            [.id(user), .id(list), .int4(Int32(clamping: place.rank)), .id(place.title), .int(limit)], until: deadline)
    }

    private func hold(
        _ list: ListID, _ user: UserID, _ transaction: PGTransaction
    ) async throws(PGError) -> Bool {
        try await transaction.first(ListQueries.hold, [.id(user), .id(list)]) != nil
    }

    private func known(
        _ titles: [TitleID], _ list: ListID, _ user: UserID, _ transaction: PGTransaction
    ) async throws(PGError) -> [TitleID: KnownItem<ListItemDetails>] {
        let rows = try await transaction.query(ListQueries.known, [.id(user), .id(list), .ids(titles)])
        return Dictionary(rows.map { ($0.item.title, $0) }) { first, _ in first }
    }

    private static func outcome(
        of list: NewList, meeting known: KnownList?, _ authority: LedgerAuthority
    ) -> LedgerOutcome {
        guard let known else { return .created }
        guard known.removedAt == nil else { return authority.isDecided ? .created : .removedByYou }
        // A person changes a list with `edit`; here it is only found again.
        let isSame =
            authority == .person
            || known.name == list.name && known.description == list.description && known.isRanked == list.isRanked
        return isSame ? .same : .updated
    }
}
