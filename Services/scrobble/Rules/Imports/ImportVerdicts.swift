package import Contracts

/// What the rows of one title come to, from what became of their effects.
package struct ImportVerdicts: Sendable, Hashable {
    /// What one effect of a row came to.
    package enum Outcome: Sendable, Hashable {
        case new, update, same, removedByYou
        /// What is here is newer.
        case older
    }

    private var byRow: [Int: ImportVerdict] = [:]
    /// Rows that there is no place for, and why.
    private var shown: [Int: String] = [:]

    package init() {}

    /// A row with several effects is what its most telling one is.
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

    /// There is no place for what a row says; it is kept to be looked at.
    package mutating func show(_ row: Int, because reason: String) { shown[row] = reason }

    /// What was noted of a row; nil where nothing was.
    package func verdict(of row: Int) -> ImportVerdict? { byRow[row] }

    /// A verdict with its reason for every row; `plan` says which are part of another.
    package func all(
        _ rows: [(place: Int, row: ImportedRow)], _ plan: ImportPlan
    ) -> [(place: Int, verdict: ImportVerdict, reason: String?)] {
        rows.map { place, row in
            if row.kind == .shown { return (place, .shown, nil) }
            if let reason = plan.refused[place] { return (place, .conflict, reason) }
            if let verdict = byRow[place] { return (place, verdict, nil) }
            if let reason = shown[place] { return (place, .shown, reason) }
            guard let whole = plan.parts[place] else { return (place, .same, nil) }
            // It brings what the row that it is part of brings.
            return (place, .same, "part of row \(whole)")
        }
    }

    /// What a row comes to whose rating was news when it was judged and was not taken when it was written; nil where it is here
    /// now. `rest` is what the row comes to without it.
    package static func refusal(
        of outcome: WriteOutcome, besides rest: ImportVerdict?
    ) -> (verdict: ImportVerdict, reason: String)? {
        let (alone, why): (ImportVerdict, String)
        switch outcome.result {
        // A page that is written twice finds its own ratings.
        case .created, .updated, .same, .removed, .absent: return nil
        // Of what is older than nothing, the rating was taken back.
        case .older:
            (alone, why) =
                outcome.version == nil ? (.removedByYou, "you took it back") : (.conflict, "what is here is newer")
        case .repeated: (alone, why) = (.same, "another row rates the same title")
        case .inFuture: (alone, why) = (.invalid, "its date lies in the future")
        case .unknownTitle: (alone, why) = (.unmatched, "its title is gone")
        case .invalid: (alone, why) = (.invalid, "it is not what was given on its scale")
        }
        // What else the row brings is written.
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
