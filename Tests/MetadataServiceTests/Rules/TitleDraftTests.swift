import Contracts
import TestSupport
import Testing

@testable import MetadataService

@Suite("What all providers together say of a title")
struct TitleDraftTests {
    private static func facts(_ provider: ProviderID, _ fill: (inout ProviderFacts) -> Void) -> ProviderFacts {
        var facts = ProviderFacts(provider: provider, kind: .movie, fetchedAtMilliseconds: 7)
        fill(&facts)
        return facts
    }

    @Test("each field comes from the first provider that has it, whatever the order of the answers")
    func gaps() {
        let told = [
            Self.facts(.tmdb) {
                $0.name = "The Harbour"
                $0.ids.tmdb = 1
                $0.genres = ["Drama"]
            },
            Self.facts(.omdb) {
                $0.name = "Harbour"
                $0.overview = "A harbour."
                $0.certification = "PG"
                $0.ids.imdb = "tt9100001"
            },
            Self.facts(.trakt) {
                $0.runtimeMinutes = 100
                $0.overview = "Another text."
                $0.originalName = "Der Hafen"
                $0.otherNames = ["El puerto", "The Harbour"]
                $0.ids.imdb = "tt9999999"
            },
        ]
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let first = TitleDraft(kind: .movie, facts: told)
        #expect(first.name == "The Harbour" && first.originalName == "Der Hafen")
        #expect(first.overview == "A harbour." && first.certification == "PG" && first.runtimeMinutes == 100)
        #expect(first.genres == ["Drama"] && first.ids == SubjectIDs(imdb: "tt9100001", tmdb: 1))
        #expect(first.names == ["The Harbour", "Harbour", "Der Hafen", "El puerto"])
        for _ in 0..<20 {
            #expect(TitleDraft(kind: .movie, facts: told.shuffled(using: &random)) == first, "seed \(random.seed)")
        }
    }

    @Test("names are bounded, and facts about another kind have no part in it")
    func bounds() {
        let many = Self.facts(.tmdb) { $0.otherNames = (0..<500).map { "Name \($0)" } }
        #expect(TitleDraft(kind: .movie, facts: [many]).names.count == MatchLimits.namesMax)
        #expect(TitleDraft(kind: .series, facts: [many]).names.isEmpty)
    }

    /// TVmaze numbers the seasons of some series 2014, 2015, … that are 1, 2, … elsewhere.
    @Test("seasons that one place counts by year do not stand beside those of the others")
    func years() {
        func seasons(_ lists: [(ProviderID, [Int])]) -> [Int] {
            let facts = lists.map { provider, numbers in
                var facts = ProviderFacts(provider: provider, kind: .series, fetchedAtMilliseconds: 7)
                facts.children = numbers.map {
                    var season = ProviderFacts(provider: provider, kind: .season, fetchedAtMilliseconds: 7)
                    season.seasonNumber = $0
                    return season
                }
                return facts
            }
            return TitleDraft(kind: .series, facts: facts).children.map(\.number.season)
        }
        #expect(seasons([(.tvmaze, [2014, 2015]), (.tmdb, [0, 1, 2])]) == [0, 1, 2])
        #expect(seasons([(.tmdb, [0]), (.tvdb, [1, 2]), (.tvmaze, [0, 2014])]) == [0, 1, 2])
        #expect(seasons([(.tmdb, [2014]), (.tvmaze, [1, 2])]) == [2014], "the first in the fixed order decides")
        #expect(seasons([(.tmdb, [1, 2]), (.tvmaze, [1, 2, 3])]) == [1, 2, 3], "one that the first lacks is added")
        #expect(seasons([(.tvmaze, [2014, 2015])]) == [2014, 2015])
    }

    @Test("a series that goes on has not ended with its first season")
    func ended() {
        func draft(_ providers: [ProviderID]) -> TitleDraft {
            let facts = providers.map { provider in
                var facts = ProviderFacts(provider: provider, kind: .series, fetchedAtMilliseconds: 7)
                if provider == .anilist { facts.ended = PartialDate(iso: "2013-09-28") }
                if provider == .tvmaze { facts.ended = PartialDate(iso: "2023-11-05") }
                return facts
            }
            return TitleDraft(kind: .series, facts: facts)
        }
        #expect(draft([.tmdb, .anilist]).ended == nil)
        #expect(draft([.anilist, .tvmaze, .tmdb]).ended?.iso == "2023-11-05")
        #expect(draft([.anilist, .trakt]).ended?.iso == "2013-09-28", "who alone tells one is believed")
    }
}
