import Contracts

/// The ids that some titles had before other titles were merged into them.
struct FormerTitles: Sendable, Hashable {
    private var ids: [TitleID: TitleID] = [:]

    /// The former id of a title.
    subscript(title: TitleID) -> TitleID { ids[title] ?? title }

    /// The possible former ids, those with the fewest changes first: between two tries of a request hardly more than
    /// one of its titles is merged.
    static func all(by merges: [TitleMove]) -> [FormerTitles] {
        var all = [FormerTitles()]
        // The merge from which each continues, so that none comes twice.
        var starts = [0]
        var place = 0
        while place < all.count {
            for next in starts[place]..<max(starts[place], merges.count) where all[place].ids[merges[next].to] == nil {
                guard all.count < RatingsLimits.formerTitlesMax else { return all }
                var changed = all[place]
                changed.ids[merges[next].to] = merges[next].from
                all.append(changed)
                starts.append(next + 1)
            }
            place += 1
        }
        return all
    }
}
