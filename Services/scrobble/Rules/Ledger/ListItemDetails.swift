package import Contracts

/// The details of a list item besides its title and date.
package struct ListItemDetails: ShelfDetails {
    package static var isDated: Bool { false }

    /// At most 2,000 bytes.
    package let note: String?
    /// Its rank, from 1; nil to keep its current one, or to put it at the end.
    package let rank: Int?

    package init(note: String? = nil, rank: Int? = nil) {
        self.note = note
        self.rank = rank
    }
}

/// A list that a person creates, or that is brought from elsewhere.
package struct NewList: Sendable, Hashable {
    package let name: String
    package let description: String?
    /// Whether the order is a ranking.
    package let isRanked: Bool
    package let createdAt: Timestamp
    /// Its key at its source, so that it is not brought twice; nil for a new list.
    package let sourceKey: String?

    package init(name: String, description: String?, isRanked: Bool, createdAt: Timestamp, sourceKey: String?) {
        self.name = name
        self.description = description
        self.isRanked = isRanked
        self.createdAt = createdAt
        self.sourceKey = sourceKey
    }
}

/// The order of the items in a list.
enum ListOrder {
    /// Gives every item a rank: its own, its current one, or the next at the end.
    static func ranked(
        _ items: [ShelfItem<ListItemDetails>], known: [TitleID: KnownItem<ListItemDetails>], last: Int
    ) -> [ShelfItem<ListItemDetails>] {
        var last = last
        return items.map { item in
            if item.details.rank != nil { return item }
            let there = known[item.title].flatMap { $0.removedAt == nil ? $0.item.details.rank : nil }
            if there == nil { last += 1 }
            return ShelfItem(
                title: item.title, kind: item.kind, at: item.at,
                details: ListItemDetails(note: item.details.note, rank: there ?? last))
        }
    }

    /// Returns the titles with `moved` taken out and inserted before `anchor`, or at the end if that is not there.
    static func moving(_ moved: [TitleID], before anchor: TitleID?, in titles: [TitleID]) -> [TitleID] {
        let present = Set(titles)
        var taken: Set<TitleID> = []
        let moving = moved.filter { present.contains($0) && taken.insert($0).inserted }
        var rest = titles.filter { !taken.contains($0) }
        rest.insert(contentsOf: moving, at: anchor.flatMap { rest.firstIndex(of: $0) } ?? rest.endIndex)
        return rest
    }
}
