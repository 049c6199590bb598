package import Contracts

/// An item that a batch has touched: its state before, and its state now.
package struct TouchedItem: Sendable, Hashable {
    package let facet: LedgerFacet
    /// The play, the title or the list.
    package let item: UUIDBits
    /// The list that a list item belongs to.
    package let list: ListID?
    /// The title of a play; the item itself if that is a title.
    package let title: TitleID?
    /// Whether it existed before the batch, and which batch had written it; nil for a person's click.
    package let wasThere: Bool
    package let batchBefore: BatchID?
    /// Whether it exists now, removed or not, and which batch wrote it last.
    package let isThere: Bool
    package let batchNow: BatchID?
    /// For a play, the number of other roads that report it; for a list, the number of items on it.
    package let others: Int

    package init(
        facet: LedgerFacet, item: UUIDBits, list: ListID?, title: TitleID?, wasThere: Bool, batchBefore: BatchID?,
        isThere: Bool, batchNow: BatchID?, others: Int
    ) {
        self.facet = facet
        self.item = item
        self.list = list
        self.title = title
        self.wasThere = wasThere
        self.batchBefore = batchBefore
        self.isThere = isThere
        self.batchNow = batchNow
        self.others = others
    }
}

/// What undoing a batch does to one item.
package enum UndoVerdict: Sendable, Hashable {
    /// It is deleted, because the batch created it.
    case erase
    /// It is restored to what it was before.
    case putBack
    /// The batch only reported an existing play: its road is removed, and the play too if that was the last one.
    case takeRoad
    /// Nothing is left to undo.
    case nothing
    /// It was written since, and stays as it is.
    case keepEdit
    /// Someone else also put it there, or put something on it; it stays.
    case keepShared

    package var isKept: Bool { self == .keepEdit || self == .keepShared }
}

package enum UndoRule {
    package static func verdict(on touched: TouchedItem, undoing batch: BatchID) -> UndoVerdict {
        guard touched.isThere else { return .nothing }
        guard touched.batchNow == batch else {
            // A play that neither the batch nor anyone since has changed.
            if touched.facet == .play, touched.wasThere, touched.batchBefore == touched.batchNow { return .takeRoad }
            return .keepEdit
        }
        if touched.wasThere { return .putBack }
        return touched.others > 0 ? .keepShared : .erase
    }
}
