import Contracts

/// A stored title, with its keys.
struct KeyHolder: Sendable, Hashable {
    let id: TitleID
    let keys: Set<OutsideKey>
}

/// What to do with ids told for a title, some of which belong to stored titles.
struct TitleJoin: Sendable, Hashable {
    /// The title that stays; nil if a new one is to be created.
    let target: TitleID?
    /// Titles that turn out to be the same, to be merged into the target.
    let merged: [TitleID]
    /// The keys to add to the target, or to the new title; those that mean another title are left out.
    let keys: [OutsideKey]

    /// Decides from the ids `told` and the titles that have some of them. `own` is the title that was asked about, if
    /// it is stored.
    ///
    /// Titles are the same if no site knows them by two ids. The oldest stays. A holder that contradicts keeps what it
    /// has.
    init(told: [OutsideKey], holders: [KeyHolder], own: TitleID? = nil) {
        var same: [KeyHolder] = []
        // The one that was asked about first, then by age: what comes first decides what later ones contradict.
        for holder in holders.sorted(by: { ($0.id == own ? 0 : 1, $0.id) < ($1.id == own ? 0 : 1, $1.id) }) {
            let others = same.flatMap(\.keys) + told
            let contradicts = holder.keys.contains { key in
                guard key.source != Self.local else { return false }
                let rivals = others.filter { $0.source == key.source && $0.kind == key.kind }
                return !rivals.isEmpty && !rivals.contains(key)
            }
            if holder.id == own || !contradicts { same.append(holder) }
        }
        let target = same.map(\.id).min()
        self.target = target
        merged = same.map(\.id).filter { $0 != target }.sorted()
        let held = Set(holders.flatMap(\.keys))
        // If the title already has an id at a site, it keeps that one.
        let taken = Set(same.flatMap(\.keys).map(\.source))
        keys = told.filter { !held.contains($0) && !taken.contains($0.source) }
    }

    static let local = "local"
}
