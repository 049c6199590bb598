package import Contracts

/// What an item of a list says beyond its title and date.
package struct ListItemDetails: ShelfDetails {
    package static var isDated: Bool { false }

    /// Up to 2,000 bytes.
    package let note: String?
    /// Its place, from 1; nil for where it stands, or behind the last.
    package let rank: Int?

    package init(note: String? = nil, rank: Int? = nil) {
        self.note = note
        self.rank = rank
    }
}

/// A list that a person makes, or that is brought from elsewhere.
package struct NewList: Sendable, Hashable {
    package let name: String
    package let description: String?
    /// Whether the order says which is better.
    package let isRanked: Bool
    package let createdAt: Timestamp
    /// What it is called where it comes from, so that it does not come twice; nil for a new one.
    package let sourceKey: String?

    package init(name: String, description: String?, isRanked: Bool, createdAt: Timestamp, sourceKey: String?) {
        self.name = name
        self.description = description
        self.isRanked = isRanked
        self.createdAt = createdAt
        self.sourceKey = sourceKey
    }
}

/// Places in a list.
enum ListOrder {
    /// Gives every item a place: its own, the one that it has, or one behind the last.
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

    /// The titles after `moved` were taken out and put before `anchor`, or behind the last where that is not there.
    static func moving(_ moved: [TitleID], before anchor: TitleID?, in titles: [TitleID]) -> [TitleID] {
        let present = Set(titles)
        var taken: Set<TitleID> = []
        let moving = moved.filter { present.contains($0) && taken.insert($0).inserted }
        var rest = titles.filter { !taken.contains($0) }
        rest.insert(contentsOf: moving, at: anchor.flatMap { rest.firstIndex(of: $0) } ?? rest.endIndex)
        return rest
    }
}
