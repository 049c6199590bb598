import Contracts
import TestSupport

@testable import ScrobbleService

/// The properties of a facet with one value per title.
struct WorldShape<Value: SyncStorable>: Sendable {
    let direction: SyncDirection
    let deletes: Bool
    /// Whether they remove a title by themselves once it is watched there.
    let letsGo: Bool
    /// Whether they forget a value after a while, without meaning anything by it.
    let forgets: Bool
    /// Returns the value of an edit, or nil if the title is removed.
    let draw: @Sendable (inout SeededRandom) -> Value?

    init(
        direction: SyncDirection = .both, deletes: Bool = true, letsGo: Bool = false, forgets: Bool = false,
        draw: @escaping @Sendable (inout SeededRandom) -> Value?
    ) {
        self.direction = direction
        self.deletes = deletes
        self.letsGo = letsGo
        self.forgets = forgets
        self.draw = draw
    }
}

/// A list of theirs as it arrived.
struct ItemReading<Value: SyncStorable> {
    let rows: [TitleValue<Value>]
    let tally: PageTally
    let isMoved: Bool
    let agreedCount: Int
    /// When it had this state there, and their change stamp at that time.
    let at: Int64
    let stamp: Int
    /// Whether they report that nothing has happened, so that the list is not read.
    var isSpared = false

    var snapshot: Snapshot<TitleValue<Value>> {
        isSpared ? .changes([]) : tally.snapshot(rows, isMoved: isMoved, agreedCount: agreedCount)
    }

    func shuffled(_ random: inout SeededRandom) -> Self {
        Self(
            rows: rows.shuffled(using: &random), tally: tally, isMoved: isMoved, agreedCount: agreedCount, at: at,
            stamp: stamp, isSpared: isSpared)
    }

    /// The latest row of each title.
    var shown: [TitleID: SyncValue<Value>] {
        Dictionary(rows.map { ($0.title, $0.value) }) { one, other in
            guard let left = one.moment?.at, let right = other.moment?.at else { return one }
            return left < right ? other : one
        }
    }
}
