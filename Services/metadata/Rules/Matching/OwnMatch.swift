/// Decides which stored title a name means, by the rules of `TitleMatcher`.
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
        /// The index of the one that is meant.
        case one(Int)
        /// Somebody must choose: several fit equally well, or one has the exact name and a year is unknown.
        case several
        case none
    }

    /// A candidate worth showing, by its index, and how well it fits, 0 … 1.
    struct Offer: Sendable, Hashable {
        let index: Int
        let match: Double
    }

    static func verdict(kind: SubjectKind?, name: String, year: Int?, among candidates: [Candidate]) -> Verdict {
        decide(kind: kind, name: name, year: year, among: candidates).verdict
    }

    /// Returns the verdict and the offers, best first.
    static func decide(
        kind: SubjectKind?, name: String, year: Int?, among candidates: [Candidate]
    ) -> (verdict: Verdict, offers: [Offer]) {
        let wanted = TitleTraits(names: [TitleName(name)], kind: kind, year: year)
        let traits = candidates.map(\.traits)
        let outcome = TitleMatcher.decide(wanted, among: traits)
        return (
            verdict(wanted, traits, outcome),
            outcome.offers.map { Offer(index: $0.index, match: share(ofPoints: $0.score)) }
        )
    }

    private static func verdict(_ wanted: TitleTraits, _ traits: [TitleTraits], _ outcome: MatchOutcome) -> Verdict {
        if case .matched(let index) = outcome.verdict { return .one(index) }
        guard let first = outcome.offers.first else { return .none }
        if first.score >= TitleMatcher.threshold { return .several }
        let best = traits[first.index]
        guard wanted.year == nil || best.year == nil else { return .none }
        let isNamesake = best.names.contains { NameAgreement(wanted.names[0], $0) >= .equivalent }
        return isNamesake ? .several : .none
    }

    /// Returns how well each of `candidates` fits, 0 … 1: its share of the points of an equal name in the same year.
    static func fits(kind: SubjectKind?, name: String, year: Int?, _ candidates: [Candidate]) -> [Double] {
        let wanted = TitleTraits(names: [TitleName(name)], kind: kind, year: year)
        return candidates.map { share(ofPoints: TitleMatcher.score(wanted, $0.traits)) }
    }

    private static func share(ofPoints points: Int) -> Double {
        Double(min(max(points, 0), TitleMatcher.fullScore) * 1_000 / TitleMatcher.fullScore) / 1_000
    }
}

/// The words of a name for the word index.
enum NameWords {
    static func words(_ name: String) -> String { TitleName(name).plain }
}
