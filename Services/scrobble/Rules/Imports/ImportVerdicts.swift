package import Contracts

/// The verdicts on the rows of one title, derived from the outcomes of their effects.
package struct ImportVerdicts: Sendable, Hashable {
    /// The outcome of one effect of a row.
    package enum Outcome: Sendable, Hashable {
        case new, update, same, removedByYou
        /// The existing value is newer.
        case older
    }

    private var byRow: [Int: ImportVerdict] = [:]
    /// Rows that have no place here, and why.
    private var shown: [Int: String] = [:]

    package init() {}

    /// Records an outcome; a row with several effects gets the verdict of the most significant one.
    package mutating func note(_ outcome: Outcome, row: Int) {
        let verdict: ImportVerdict =
            switch outcome {
            case .new: .new
            case .update: .update
            case .same: .same
            case .removedByYou: .removedByYou
            case .older: .conflict
            }
        guard let before = byRow[row] else {
            byRow[row] = verdict
            return
        }
        if Self.rank(verdict) > Self.rank(before) { byRow[row] = verdict }
    }

    /// Records that what a row says has no place here; it is only shown.
    package mutating func show(_ row: Int, because reason: String) { shown[row] = reason }

    /// Returns what was recorded for a row; nil if nothing was.
    package func verdict(of row: Int) -> ImportVerdict? { byRow[row] }

    /// Returns a verdict with its reason for every row; `plan` says which rows are part of another.
    package func all(
        _ rows: [(place: Int, row: ImportedRow)], _ plan: ImportPlan
    ) -> [(place: Int, verdict: ImportVerdict, reason: String?)] {
        rows.map { place, row in
            if row.kind == .shown { return (place, .shown, nil) }
            if let reason = plan.refused[place] { return (place, .conflict, reason) }
            if let verdict = byRow[place] { return (place, verdict, nil) }
            if let reason = shown[place] { return (place, .shown, reason) }
            guard let whole = plan.parts[place] else { return (place, .same, nil) }
            // It has the same effect as the row that it is part of.
            return (place, .same, "part of row \(whole)")
        }
    }

    /// Returns the verdict on a row whose rating was news when judged but was not accepted when written; nil if the
    /// rating is here now. `rest` is the verdict on the row without it.
    package static func refusal(
        of outcome: WriteOutcome, besides rest: ImportVerdict?
    ) -> (verdict: ImportVerdict, reason: String)? {
        let (alone, why): (ImportVerdict, String)
        switch outcome.result {
        // A page that is written twice finds its own ratings.
        case .created, .updated, .same, .removed, .absent: return nil
        // Older, although nothing is here: the rating was taken back.
        case .older:
            (alone, why) =
                outcome.version == nil ? (.removedByYou, "you removed it") : (.conflict, "what is here is newer")
        case .repeated: (alone, why) = (.same, "another row rates the same title")
        case .inFuture: (alone, why) = (.invalid, "its date is in the future")
        case .unknownTitle: (alone, why) = (.unmatched, "its title is gone")
        case .invalid: (alone, why) = (.invalid, "it does not match the value given on its scale")
        }
        // Everything else in the row is written.
        return (rest ?? alone, "the rating was not written: \(why)")
    }

    private static func rank(_ verdict: ImportVerdict) -> Int {
        switch verdict {
        case .conflict: 5
        case .new: 4
        case .update: 3
        case .removedByYou: 2
        default: 1
        }
    }
}
