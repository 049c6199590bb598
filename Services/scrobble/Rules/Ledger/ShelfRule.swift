package import Contracts

/// Decides the outcomes of adding and removing shelf items.
package enum ShelfRule {
    /// Returns one outcome per item, in order; `known` holds the existing items, including removed ones.
    package static func outcomes<Details>(
        of items: [ShelfItem<Details>], meeting known: [TitleID: KnownItem<Details>], _ authority: LedgerAuthority
    ) -> [LedgerOutcome] {
        zip(items, isLast(items.map(\.title))).map { item, isLast in
            isLast ? outcome(of: item, meeting: known[item.title], authority) : .repeated
        }
    }

    /// Returns one outcome per title to be removed, in order; `at` is when it was taken out.
    package static func removals<Details>(
        of titles: [TitleID], from known: [TitleID: KnownItem<Details>], at moment: Timestamp,
        _ authority: LedgerAuthority
    ) -> [LedgerOutcome] {
        zip(titles, isLast(titles)).map { title, isLast in
            guard isLast else { return .repeated }
            guard let there = known[title], there.removedAt == nil else { return .absent }
            // Edit beats delete.
            return authority.isDecided || moment >= there.item.at ? .removed : .older
        }
    }

    static func outcome<Details>(
        of item: ShelfItem<Details>, meeting known: KnownItem<Details>?, _ authority: LedgerAuthority
    ) -> LedgerOutcome {
        guard let known else { return .created }
        if let removedAt = known.removedAt {
            // An item added after the removal is not a copy of what was removed.
            return authority.isDecided || item.at > removedAt ? .created : .removedByYou
        }
        if known.item.details == item.details, !Details.isDated || known.item.at == item.at { return .same }
        return authority.isDecided || item.at > known.item.at ? .updated : .older
    }

    /// Whether no later title is the same; the last of several in one call counts.
    private static func isLast(_ titles: [TitleID]) -> [Bool] {
        var seen: Set<TitleID> = []
        return titles.reversed().map { seen.insert($0).inserted }.reversed()
    }
}
