import Contracts

/// Which ids some titles had, before others that were merged into them led there.
struct FormerTitles: Sendable, Hashable {
    private var ids: [TitleID: TitleID] = [:]

    /// The id that a title had.
    subscript(title: TitleID) -> TitleID { ids[title] ?? title }

    /// What the ids may have been, those first in which the fewest are other ones: between two tries of a request hardly more
    /// than one of its titles is merged.
    static func all(by merges: [TitleMove]) -> [FormerTitles] {
        var all = [FormerTitles()]
        // From which merge on each goes on, so that none comes twice.
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
