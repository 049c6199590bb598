import Contracts

/// A title that is here, by the ids that it has.
struct KeyHolder: Sendable, Hashable {
    let id: TitleID
    let keys: Set<OutsideKey>
}

/// What is to be done when a title's ids are told, of which some belong to titles that are here.
struct TitleJoin: Sendable, Hashable {
    /// The title that stays; nil where a new one is to be made.
    let target: TitleID?
    /// Titles that turn out to be the same and are merged into the target.
    let merged: [TitleID]
    /// The keys that the target, or the new title, is to have; those that mean another title are left out.
    let keys: [OutsideKey]

    /// Decides from the ids `told` and the titles that have some of them. `own` is the title that was asked about,
    /// where it is here.
    ///
    /// Titles are one where no place knows them by two ids. The oldest stays. A holder that contradicts keeps what it
    /// has.
    init(told: [OutsideKey], holders: [KeyHolder], own: TitleID? = nil) {
        var same: [KeyHolder] = []
        // The one that was asked about first, then by age: what came first decides what later ones contradict.
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
        // A place at which the title has an id already keeps that one.
        let taken = Set(same.flatMap(\.keys).map(\.source))
        keys = told.filter { !held.contains($0) && !taken.contains($0.source) }
    }

    static let local = "local"
}
