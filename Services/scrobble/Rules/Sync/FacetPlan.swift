package import Contracts

/// A change of one item on one side.
package struct ItemChange<Value: Hashable & Sendable>: Sendable, Hashable {
    package let title: TitleID
    /// The side's current value; nil if it has none. If this is no longer true when the change is made, the change is
    /// dropped.
    package let was: Value?
    /// Nil if it is removed.
    package let becomes: Value?

    package init(title: TitleID, was: Value?, becomes: Value?) {
        self.title = title
        self.was = was
        self.becomes = becomes
    }
}

/// An item that both sides changed.
package struct ItemClash<Value: Hashable & Sendable>: Sendable, Hashable {
    package let title: TitleID
    package let base: Value?
    package let ours: Value
    package let theirs: Value
    /// The side whose value stays; nil if the person is asked.
    package let winner: SyncSide?
}

/// What a sync of one facet would do.
package struct FacetPlan<Value: Hashable & Sendable>: Sendable, Hashable {
    package var forUs: [ItemChange<Value>] = []
    package var forThem: [ItemChange<Value>] = []
    /// What the base will say without anything being written to either side.
    package var base: [TitleID: BaseEntry<Value>] = [:]
    package var clashes: [ItemClash<Value>] = []
    /// Removals that the brake has stopped, and why, by the side that would lose the items.
    package var heldForUs: [ItemChange<Value>] = []
    package var heldForThem: [ItemChange<Value>] = []
    package var brakes: [SyncSide: RemovalBrake.Verdict] = [:]

    /// The number of items for which the reading showed the previous value: it may lag, and is to be repeated.
    package var echoes = 0

    package init() {}

    /// Whether neither side nor the base would change.
    package var isEmpty: Bool { forUs.isEmpty && forThem.isEmpty && base.isEmpty }
}
