import MetadataService
import Testing

@Suite("Matching by name")
struct TitleMatchTests {
    private func candidate(_ names: String..., year: Int?, votes: Int64 = 100) -> TitleMatch.Candidate {
        TitleMatch.Candidate(names: names, year: year, votes: votes)
    }

    @Test(
        "case, accents, punctuation and the article do not count",
        arguments: [
            ("The Cartographer's Daughter", "cartographers daughter"), ("Ember & Ash", "ember and ash"),
            ("Kröniken", "kroniken"), ("Amélie", "amelie"), ("冬の標識", "冬の標識"), ("A", "a"), ("Le Jardin", "le jardin"),
            ("Łódź", "lodz"), ("Part  Two: II", "part two ii"), ("9½ Weeks", "9½ weeks"),
        ])
    func normalises(name: String, expected: String) {
        #expect(TitleMatch.normalized(name) == expected)
    }

    @Test("remakes are told apart by their year")
    func remakes() {
        let pair = [candidate("The Daughter", year: 1988), candidate("The Daughter", year: 2018)]
        #expect(TitleMatch.best(name: "the daughter", year: 2018, among: pair) == 1)
        #expect(TitleMatch.best(name: "the daughter", year: 1989, among: pair) == 0)
        #expect(TitleMatch.best(name: "the daughter", year: 2000, among: pair) == nil)
        #expect(TitleMatch.best(name: "the daughter", year: nil, among: pair) == nil)
    }

    @Test("a tie is decided only by ten times the votes")
    func votes() {
        let near = [candidate("Home", year: 2010, votes: 999), candidate("Home", year: 2010, votes: 100)]
        let clear = [candidate("Home", year: 2010, votes: 100), candidate("Home", year: 2010, votes: 1_000)]
        #expect(TitleMatch.best(name: "Home", year: 2010, among: near) == nil)
        #expect(TitleMatch.best(name: "Home", year: 2010, among: clear) == 1)
    }

    @Test("the original name counts, a longer name and an empty one do not")
    func names() {
        #expect(
            TitleMatch.best(
                name: "Drakar över Varnholm", year: 2011,
                among: [candidate("Kites over Varnholm", "Drakar över Varnholm", year: 2011)]) == 0)
        #expect(
            TitleMatch.best(name: "Ember & Ash", year: nil, among: [candidate("Ember & Ash: Part Two", year: 1)]) == nil
        )
        #expect(TitleMatch.best(name: "…", year: nil, among: [candidate("!", year: nil)]) == nil)
    }
}
