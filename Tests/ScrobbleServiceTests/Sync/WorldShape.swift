import Contracts
import TestSupport

@testable import ScrobbleService

/// What a facet with one value for a title is like.
struct WorldShape<Value: SyncStorable>: Sendable {
    let direction: SyncDirection
    let deletes: Bool
    /// They take a title off by themselves once it was watched there.
    let letsGo: Bool
    /// They forget a value after a while, and mean nothing by it.
    let forgets: Bool
    /// What an edit comes to; nil: the title is taken away.
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

/// A list of theirs as it came.
struct ItemReading<Value: SyncStorable> {
    let rows: [TitleValue<Value>]
    let tally: PageTally
    let isMoved: Bool
    let agreedCount: Int
    /// When it was so there, and what they said of their last change.
    let at: Int64
    let stamp: Int
    /// They say that nothing has happened, so the list is not read.
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
