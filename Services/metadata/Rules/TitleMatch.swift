/// Finds a title among a provider's search results by its name and year; a wrong match is worse than none.
package enum TitleMatch {
    /// What a search result offers for comparison.
    package struct Candidate: Sendable, Hashable {
        package let names: [String]
        package let year: Int?
        package let votes: Int64

        package init(names: [String], year: Int?, votes: Int64) {
            self.names = names
            self.year = year
            self.votes = votes
        }
    }

    /// How many times the votes of the second-best candidate the best must have to win a tie.
    static let clearLead: Int64 = 10

    /// Returns the index of the one candidate that `TitleMatcher` accepts; nil if none or several fit.
    ///
    /// Providers have many unreleased and forgotten titles: a tie in name and year is decided by ten times the votes,
    /// and only by that.
    package static func best(name: String, year: Int?, among candidates: [Candidate]) -> Int? {
        let wanted = TitleTraits(names: [TitleName(name)], year: year)
        let traits = candidates.map { TitleTraits(names: $0.names.map(TitleName.init), year: $0.year) }
        let outcome = TitleMatcher.decide(wanted, among: traits)
        if case .matched(let index) = outcome.verdict { return index }
        guard let first = outcome.offers.first, first.score >= TitleMatcher.threshold else { return nil }
        let rivals = outcome.offers.filter { first.score - $0.score < TitleMatcher.margin }
        guard rivals.allSatisfy({ $0.score == first.score }), rivals.count < MatchLimits.offersMax else { return nil }
        let votes = rivals.map { candidates[$0.index].votes }.sorted(by: >)
        guard votes[0] / clearLead >= max(votes[1], 1) else { return nil }
        return rivals.first { candidates[$0.index].votes == votes[0] }?.index
    }

    /// Returns the folded words of a name without a leading English article.
    package static func normalized(_ name: String) -> String {
        let plain = TitleName(name).plain
        guard let article = ["the ", "a ", "an "].first(where: plain.hasPrefix) else { return plain }
        return String(plain.dropFirst(article.utf8.count))
    }
}
