package import Contracts

extension SyncSide {
    package var other: SyncSide { self == .ours ? .theirs : .ours }
}

extension SyncDirection {
    /// Whether that side may be changed.
    package func changes(_ side: SyncSide) -> Bool {
        switch self {
        case .off: false
        case .both: true
        case .receive: side == .ours
        case .send: side == .theirs
        }
    }
}

/// What a person wants for one facet of a connection.
package struct FacetPolicy: Sendable, Hashable {
    package var direction: SyncDirection
    package var conflicts: ConflictRule
    /// Whether what is removed on one side is removed on the other.
    package var deletes: Bool

    package init(direction: SyncDirection, conflicts: ConflictRule = .ours, deletes: Bool = true) {
        self.direction = direction
        self.conflicts = conflicts
        self.deletes = deletes
    }

    /// The policy until the person switches it on.
    package static let off = FacetPolicy(direction: .off)
}
