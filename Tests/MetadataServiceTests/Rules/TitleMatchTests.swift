import MetadataService
import Testing

@Suite("Matching among a provider's results")
struct TitleMatchTests {
    private func candidate(_ names: String..., year: Int?, votes: Int64 = 100) -> TitleMatch.Candidate {
        TitleMatch.Candidate(names: names, year: year, votes: votes)
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
        let spelled = [candidate("The Home", year: 2010, votes: 100_000), candidate("Home", year: 2011, votes: 1)]
        #expect(TitleMatch.best(name: "Home", year: 2010, among: spelled) == nil)
    }

    @Test("the original name counts; a longer name, an empty one and a name without a year do not")
    func names() {
        let kites = [candidate("Kites over Varnholm", "Drakar över Varnholm", year: 2011)]
        #expect(TitleMatch.best(name: "Drakar över Varnholm", year: 2011, among: kites) == 0)
        #expect(TitleMatch.best(name: "Drakar över Varnholm", year: nil, among: kites) == nil)
        let longer = [candidate("Ember & Ash: Part Two", year: 2011)]
        #expect(TitleMatch.best(name: "Ember & Ash", year: 2011, among: longer) == nil)
        #expect(TitleMatch.best(name: "…", year: 2011, among: [candidate("!", year: 2011)]) == nil)
    }
}
