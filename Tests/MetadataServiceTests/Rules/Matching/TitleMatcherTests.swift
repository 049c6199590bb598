import MetadataService
import TestSupport
import Testing

@Suite("Deciding which title is meant")
struct TitleMatcherTests {
    private func traits(
        _ names: String..., year: Int? = nil, kind: SubjectKind? = .movie, minutes: Int? = nil,
        ids: [String: String] = [:]
    ) -> TitleTraits {
        TitleTraits(names: names.map { TitleName($0) }, kind: kind, year: year, runtimeMinutes: minutes, ids: ids)
    }

    @Test(
        "how far names agree",
        arguments: [
            ("The Harbour", "the harbour!", NameAgreement.same), ("Iron Fox II", "Iron Fox: Part Two", .equivalent),
            ("The Harbour", "Harbour", .article), ("Die Harbour", "The Harbour", .article),
            ("Dr. Finch", "Dr. Finch or: How It Went", .alternative),
            ("The Long Return", "Starfall – The Long Return", .subtitle),
            ("Ada Quill's Night Harbour", "Night Harbour", .subtitle), ("Ada Quill's Harbour", "Harbour", .partly),
            ("Starfall", "Starfall: The Long Return", .partly), ("Red Fox Running", "Red Fox Sleeping", .resembling),
            ("Starfall", "Moonrise", NameAgreement.none), ("", "", NameAgreement.none), ("…", "…", .same),
        ])
    func agreements(left: String, right: String, expected: NameAgreement) {
        #expect(NameAgreement(TitleName(left), TitleName(right)) == expected)
        #expect(NameAgreement(TitleName(right), TitleName(left)) == expected)
    }

    @Test("names and years decide together")
    func years() {
        func verdict(_ wanted: TitleTraits, _ candidates: TitleTraits...) -> MatchOutcome.Verdict {
            TitleMatcher.decide(wanted, among: candidates).verdict
        }
        let wanted = traits("Iron Fox", year: 2001)
        #expect(verdict(wanted, traits("Iron Fox", year: 2001)) == .matched(0))
        #expect(verdict(wanted, traits("Iron Fox", year: 2002)) == .matched(0))
        #expect(verdict(wanted, traits("Iron Fox", year: 2003)) == .ambiguous)
        #expect(verdict(wanted, traits("Iron Fox", year: 2004)) == .unmatched)
        #expect(verdict(wanted, traits("Iron Fox")) == .ambiguous)
        #expect(verdict(wanted) == .unmatched)
        // The exact year beats a neighbouring one; of two equals, neither wins.
        #expect(verdict(wanted, traits("Iron Fox", year: 2002), traits("Iron Fox", year: 2001)) == .matched(1))
        #expect(verdict(wanted, traits("Iron Fox", year: 2001), traits("Iron Fox", year: 2001)) == .ambiguous)
        #expect(verdict(wanted, traits("Iron Fox", year: 2000), traits("Iron Fox", year: 2002)) == .ambiguous)
        // The exact spelling beats a similar one, but not a better year.
        #expect(verdict(wanted, traits("The Iron Fox", year: 2001), traits("Iron Fox", year: 2001)) == .matched(1))
        #expect(verdict(wanted, traits("The Iron Fox", year: 2001), traits("Iron Fox", year: 2002)) == .ambiguous)
        #expect(verdict(wanted, traits("The Iron Fox", year: 2001)) == .matched(0))
        #expect(verdict(wanted, traits("The Iron Fox", year: 2002)) == .ambiguous)
        // With an added subtitle, it is just as often another film.
        #expect(verdict(wanted, traits("Iron Fox: Uprising", year: 2001)) == .ambiguous)
        #expect(verdict(wanted, traits("Owl Tower", "Iron Fox", year: 2001)) == .matched(0))
    }

    @Test("kind, runtime and ids")
    func otherSigns() {
        func matches(_ left: TitleTraits, _ right: TitleTraits) -> Bool {
            TitleMatcher.decide(left, among: [right]).verdict == .matched(0)
        }
        let fox = traits("Iron Fox", year: 2001, minutes: 100, ids: ["imdb": "tt1"])
        #expect(!matches(fox, traits("Iron Fox", year: 2001, kind: .series)))
        #expect(matches(fox, traits("Iron Fox", minutes: 101)), "the runtime stands in for the year")
        #expect(!matches(fox, traits("Iron Fox", year: 2002, minutes: 60)), "a short of the year after is another film")
        #expect(matches(fox, traits("Iron Fox: Uprising", year: 2001, minutes: 102)))
        #expect(matches(fox, traits("Owl Tower", year: 1980, ids: ["imdb": "tt1"])), "an id decides")
        #expect(!matches(fox, traits("Iron Fox", year: 2001, ids: ["imdb": "tt2"])), "and another one contradicts")
        let both = traits("Iron Fox", year: 2001, ids: ["imdb": "tt1", "tmdb": "5"])
        #expect(matches(both, traits("Iron Fox", year: 2001, ids: ["imdb": "tt1", "tmdb": "6"])))
        #expect(!matches(both, traits("Owl Tower", year: 1980, ids: ["imdb": "tt1", "tmdb": "6"])))
    }

    @Test("offers are the best ten, best first, equal ones as given")
    func offers() {
        let wanted = traits("Iron Fox", year: 2001)
        let many = (0..<30).map { traits("Iron Fox", year: $0 == 29 ? 2001 : $0 == 28 ? 2002 : 2003) }
        let outcome = TitleMatcher.decide(wanted, among: many)
        #expect(outcome.verdict == .matched(29))
        #expect(outcome.offers.map(\.index) == [29, 28, 0, 1, 2, 3, 4, 5, 6, 7])
    }

    @Test("comparing is symmetric, and an id in common never hurts", arguments: [UInt64.random(in: 0..<UInt64.max)])
    func properties(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<4_000 {
            let left = Self.random(&random)
            let right = Self.random(&random)
            let score = TitleMatcher.score(left, right)
            #expect(score == TitleMatcher.score(right, left), "seed \(seed): \(left) \(right)")
            let place = ["imdb", "tmdb", "new"].randomElement(using: &random)!
            guard left.ids[place] == nil || left.ids[place] == right.ids[place] else { continue }
            let (more, other) = (Self.adding(place, to: left), Self.adding(place, to: right))
            #expect(TitleMatcher.score(more, other) >= score, "seed \(seed): \(left) \(right)")
        }
    }

    @Test("names that can match share a key", arguments: [UInt64.random(in: 0..<UInt64.max)])
    func keys(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var agreements = 0
        for _ in 0..<40_000 {
            let (left, right) = (Names.random(&random), Names.random(&random))
            guard NameAgreement(TitleName(left), TitleName(right)) > .resembling else { continue }
            agreements += 1
            #expect(
                !Set(TitleKeys.keys(left)).isDisjoint(with: TitleKeys.keys(right)),
                "seed \(seed): \(left.debugDescription) \(right.debugDescription)")
        }
        #expect(agreements > 20)
    }

    private static func random(_ random: inout SeededRandom) -> TitleTraits {
        func maybe<T>(_ value: T) -> T? { Bool.random(using: &random) ? value : nil }
        let names = (0..<Int.random(in: 1...3, using: &random)).map { _ in TitleName(Names.random(&random)) }
        var ids: [String: String] = [:]
        for place in ["imdb", "tmdb"] { ids[place] = maybe(String(Int.random(in: 0...2, using: &random))) }
        return TitleTraits(
            names: names, kind: maybe(Bool.random(using: &random) ? .movie : .series),
            year: maybe(Int.random(in: 2000...2003, using: &random)),
            runtimeMinutes: maybe(Int.random(in: 80...120, using: &random)), ids: ids)
    }

    private static func adding(_ place: String, to traits: TitleTraits) -> TitleTraits {
        TitleTraits(
            names: traits.names, kind: traits.kind, year: traits.year, runtimeMinutes: traits.runtimeMinutes,
            ids: traits.ids.merging([place: "same"]) { _, new in new })
    }
}
