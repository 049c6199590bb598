import MetadataService
import Testing

@Suite("What a provider can go by")
struct UnderstoodSubjectTests {
    private let bare = ProviderSubject(kind: .series, name: "The Foxfire Post", year: 2020)

    private func changes(_ provider: ProviderID, _ ids: SubjectIDs, isAnime: Bool? = nil) -> Bool {
        let other = ProviderSubject(kind: .series, ids: ids, name: bare.name, year: bare.year, isAnime: isAnime)
        let known = ProviderSubject(
            kind: .series, ids: SubjectIDs(wikidata: "Q1"), name: bare.name, year: bare.year, isAnime: false)
        return UnderstoodSubject(other, by: provider) != UnderstoodSubject(known, by: provider)
    }

    @Test("only ids that lead to it make it worth asking again")
    func ids() {
        let places: [(SubjectIDs, Set<ProviderID>)] = [
            (SubjectIDs(imdb: "tt9100201"), [.tmdb, .tvdb, .tvmaze, .omdb, .trakt, .letterboxd, .simkl]),
            (SubjectIDs(tmdb: 7), [.tmdb, .tvdb, .trakt, .letterboxd, .simkl]),
            (SubjectIDs(tvdb: 7), [.tmdb, .tvdb, .tvmaze, .trakt, .simkl, .kitsu]),
            (SubjectIDs(tvmaze: 7), [.tvmaze]), (SubjectIDs(trakt: 7), [.trakt]),
            (SubjectIDs(wikidata: "Q1", letterboxd: "a1"), [.letterboxd]), (SubjectIDs(simkl: 7), [.simkl]),
            (SubjectIDs(wikidata: "Q1"), []),
        ]
        for (ids, providers) in places {
            for provider in ProviderID.allCases {
                #expect(changes(provider, ids, isAnime: false) == providers.contains(provider), "\(provider) \(ids)")
            }
        }
        let ofAnime: [(SubjectIDs, Set<ProviderID>)] = [
            (SubjectIDs(anidb: 7), [.anidb, .kitsu, .simkl]), (SubjectIDs(myanimelist: 7), [.myanimelist]),
        ]
        for (ids, providers) in ofAnime {
            for provider in providers { #expect(changes(provider, ids), "\(provider) \(ids)") }
            #expect(!changes(.tmdb, ids) && !changes(.omdb, ids))
        }
    }

    @Test("a film of which only Letterboxd's id is known is looked for by its name")
    func exported() {
        let film = ProviderSubject(kind: .movie, ids: SubjectIDs(letterboxd: "a1"), name: "Ember & Ash", year: 2016)
        #expect(film.isNameOnly && film.isAnimeToFind)
        let known = ProviderSubject(kind: .movie, ids: SubjectIDs(tmdb: 7, letterboxd: "a1"), name: film.name)
        #expect(!known.isNameOnly && !known.isAnimeToFind)
    }

    @Test("an id of a place for anime says that it is one, a season's series too")
    func anime() {
        #expect(ProviderSubject(kind: .movie, ids: SubjectIDs(anidb: 1)).isAnime == true)
        #expect(ProviderSubject(kind: .season, seriesIDs: SubjectIDs(kitsu: 1), seasonNumber: 2).isAnime == true)
        #expect(bare.isAnime == nil)
    }
}
