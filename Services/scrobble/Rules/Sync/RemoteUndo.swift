import Contracts

/// A change that a run has made on the other side, and its state on both sides now.
package struct ToldChange: Sendable, Hashable {
    package let change: SyncChange
    /// Whether something is agreed on about it, and what.
    package let isKnown: Bool
    package let value: String?
    package let theirs: Int64?
    package let isApart: Bool
    /// Whether another change of it is under way.
    package let isInFlight: Bool
    /// Whether the same run took over another play of that title which they had.
    package let hadOther: Bool

    package init(
        change: SyncChange, isKnown: Bool, value: String?, theirs: Int64?, isApart: Bool, isInFlight: Bool,
        hadOther: Bool
    ) {
        self.isInFlight = isInFlight
        self.hadOther = hadOther
        self.change = change
        self.isKnown = isKnown
        self.value = value
        self.theirs = theirs
        self.isApart = isApart
    }
}

/// What undoing a sync does to what it has sent to the other side.
package enum RemoteUndo {
    package enum Verdict: Sendable, Hashable {
        /// They are told to restore the previous value.
        case restore(SyncChange)
        /// Nothing is left to undo.
        case nothing
        /// It was edited since, on either side; it stays.
        case keepEdit
        /// They would remove more than that; it stays.
        case inseparable
    }

    package static func verdict(on told: ToldChange, at shape: RemoteShape) -> Verdict {
        if told.isApart { return .nothing }
        let verdict = Self.verdict(on: told)
        if case .restore(let inverse) = verdict {
            if shape.keeps(inverse) { return .inseparable }
            // The date that was there was overwritten, and nobody has it any more: without a date, the title would be
            // unwatched.
            if shape.keepsOneDate, inverse.facet == .history, inverse.becomes == nil, told.hadOther {
                return .inseparable
            }
        }
        return verdict
    }

    private static func verdict(on told: ToldChange) -> Verdict {
        let change = told.change
        if change.facet == .history {
            // A play exists or does not; neither is edited.
            if (change.becomes != nil) != (told.isKnown && told.value != nil) { return .nothing }
        } else if told.value != change.becomes || told.isInFlight {
            return .keepEdit
        }
        return .restore(
            SyncChange(
                facet: change.facet, side: .theirs, title: change.title, kind: change.kind, play: change.play,
                theirs: told.theirs, was: change.becomes, becomes: change.was, at: change.at, isUndo: true))
    }

    /// Returns what the base says while the undo is under way: both sides stay as they are from now on.
    package static func base(of change: SyncChange, theirs: Int64?) -> BaseRow {
        guard change.facet == .history else {
            return BaseRow(
                facet: change.facet, item: change.title.uuid, title: change.title, kind: change.kind,
                value: change.was, isApart: true, apart: change.was)
        }
        // A play that was sent is ours alone; one that was removed is theirs alone again.
        return BaseRow(
            facet: .history, item: change.play?.uuid ?? change.title.uuid, title: change.title, kind: change.kind,
            value: change.becomes, theirs: change.becomes == nil ? theirs : nil, isApart: true)
    }
}
