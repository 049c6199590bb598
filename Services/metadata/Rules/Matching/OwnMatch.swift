/// Which of the titles that are here a name means, by the rules of `TitleMatcher`.
enum OwnMatch {
    /// A title that may be meant.
    struct Candidate: Sendable, Hashable {
        let kind: SubjectKind
        let names: [String]
        let year: Int?
        var runtimeMinutes: Int?

        fileprivate var traits: TitleTraits {
            TitleTraits(names: names.map(TitleName.init), kind: kind, year: year, runtimeMinutes: runtimeMinutes)
        }
    }

    enum Verdict: Sendable, Hashable {
        /// Index of the one that is meant.
        case one(Int)
        /// Somebody must choose: several fit equally well, or one has the very name and a year is not known.
        case several
        case none
    }

    static func verdict(kind: SubjectKind?, name: String, year: Int?, among candidates: [Candidate]) -> Verdict {
        let wanted = TitleTraits(names: [TitleName(name)], kind: kind, year: year)
        let traits = candidates.map(\.traits)
        let outcome = TitleMatcher.decide(wanted, among: traits)
        if case .matched(let index) = outcome.verdict { return .one(index) }
        guard let first = outcome.offers.first else { return .none }
        if first.score >= TitleMatcher.threshold { return .several }
        let best = traits[first.index]
        guard year == nil || best.year == nil else { return .none }
        let isNamesake = best.names.contains { NameAgreement(wanted.names[0], $0) >= .equivalent }
        return isNamesake ? .several : .none
    }

    /// How well each of `candidates` fits, 0 … 1: the share of the points of an equal name in the same year.
    static func fits(kind: SubjectKind?, name: String, year: Int?, _ candidates: [Candidate]) -> [Double] {
        let wanted = TitleTraits(names: [TitleName(name)], kind: kind, year: year)
        return candidates.map { candidate in
            let points = min(max(TitleMatcher.score(wanted, candidate.traits), 0), TitleMatcher.fullScore)
            return Double(points * 1_000 / TitleMatcher.fullScore) / 1_000
        }
    }
}

/// The words of a name for the index of words.
enum NameWords {
    static func words(_ name: String) -> String { TitleName(name).plain }
}
