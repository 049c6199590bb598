package import Contracts

/// An item that a batch has touched: what it was before, and how it stands now.
package struct TouchedItem: Sendable, Hashable {
    package let facet: LedgerFacet
    /// The play, the title or the list.
    package let item: UUIDBits
    /// The list of a list's item.
    package let list: ListID?
    /// The title of a play; the item itself where that is a title.
    package let title: TitleID?
    /// Whether it was there before the batch, and which batch had written it; a person's click has none.
    package let wasThere: Bool
    package let batchBefore: BatchID?
    /// Whether it is there now, removed or not, and which batch wrote it last.
    package let isThere: Bool
    package let batchNow: BatchID?
    /// For a play: roads other than this batch's that tell of it. For a list: items that are on it.
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

/// What taking back a batch does to one item.
package enum UndoVerdict: Sendable, Hashable {
    /// It goes, as it came with the batch.
    case erase
    /// It becomes what it was before.
    case putBack
    /// The batch only told of a play that was there: its road goes, and the play where that was the last one.
    case takeRoad
    /// Nothing is left to do.
    case nothing
    /// Somebody wrote it since; it stays as it is.
    case keepEdit
    /// Somebody else put it there, or something on it, too; it stays.
    case keepShared

    package var isKept: Bool { self == .keepEdit || self == .keepShared }
}

package enum UndoRule {
    package static func verdict(on touched: TouchedItem, undoing batch: BatchID) -> UndoVerdict {
        guard touched.isThere else { return .nothing }
        guard touched.batchNow == batch else {
            // A play that the batch did not change, and nobody since.
            if touched.facet == .play, touched.wasThere, touched.batchBefore == touched.batchNow { return .takeRoad }
            return .keepEdit
        }
        if touched.wasThere { return .putBack }
        return touched.others > 0 ? .keepShared : .erase
    }
}
