import JSON
import MetadataService
import Testing
import UpstreamEmulators

@Suite("Trakt, Letterboxd and Simkl clients against the emulators")
struct RelayClientTests {
    @Test("Trakt: a film's record and what it relays, in two calls; once it has described it, in one")
    func trakt() async throws {
        try await EmulatedClients.run { clients in
            let facts = try #require(
                await clients.trakt.facts(ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001"))))
            #expect(
                facts.scoreLines == [
                    "trakt 8.0/10 79.51 2107", "imdb 8.1/10 81.00 152340", "rotten_tomatoes_critics 93% 93.00 -",
                    "rotten_tomatoes_audience 89% 89.00 -", "metacritic 84/100 84.00 -", "tmdb 7.9/10 79.12 4213",
                    "letterboxd 4.0/5 79.60 12639",
                ])
            #expect(facts.ids == SubjectIDs(imdb: "tt9100001", tmdb: 910_001, trakt: 500_100_001))
            #expect(facts.certification == "PG-13")
            #expect(clients.asked(.trakt).count == 2)
            let known = ProviderSubject(kind: .movie, ids: SubjectIDs(trakt: 500_100_001), name: "Known")
            let again = try #require(await clients.trakt.facts(known, kept: facts))
            #expect(again.scores.count == 7 && again.overview == facts.overview && again.overview != nil)
            #expect(clients.asked(.trakt).count == 3)
            // As a sync creates it: with Trakt's id and a name only.
            #expect(try await clients.trakt.facts(known)?.overview == facts.overview)
            #expect(clients.asked(.trakt).count == 5)
            #expect(clients.asked(.trakt).allSatisfy { $0.header("user-agent") == "Reelay/test" })
        }
    }

    @Test("Trakt: by TMDb number and kind, by name and year, seasons and episodes, what is not there")
    func traktLookups() async throws {
        try await EmulatedClients.run { clients in
            let film = ProviderSubject(kind: .movie, ids: SubjectIDs(tmdb: 910_001))
            let series = ProviderSubject(kind: .series, ids: SubjectIDs(tmdb: 910_001))
            #expect(try await clients.trakt.facts(film)?.name == "The Lighthouse Keeper's Clock")
            #expect(try await clients.trakt.facts(series)?.name == "Saltmarsh")
            let named = ProviderSubject(kind: .movie, name: "Ember & Ash", year: 2015)
            #expect(try await clients.trakt.facts(named)?.ids.imdb == "tt9100020")
            let beside = ProviderSubject(kind: .movie, name: "Ember & Ash", year: 2016)
            #expect(try await clients.trakt.facts(beside)?.ids.imdb == "tt9100020")
            let season = ProviderSubject(kind: .season, seriesIDs: SubjectIDs(tvdb: 910_101), seasonNumber: 1)
            #expect(try await clients.trakt.facts(season)?.scores.map(\.source) == [.trakt])
            let episode = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(imdb: "tt9100101"), seasonNumber: 1, episodeNumber: 2)
            let found = try #require(await clients.trakt.facts(episode))
            #expect(found.name == "The Sluice")
            #expect(found.ids.imdb == "tt9201102")
            for absent in [SubjectIDs(imdb: "tt9999999"), SubjectIDs(tmdb: 1), SubjectIDs(tvdb: 1)] {
                await #expect(throws: ProviderError.notFound) {
                    try await clients.trakt.facts(ProviderSubject(kind: .series, ids: absent))
                }
            }
        }
        var keys = EmulatedClients.Keys()
        keys.trakt = "wrong"
        try await EmulatedClients.run(keys: keys) { clients in
            await #expect(throws: ProviderError.unauthorized) {
                try await clients.trakt.facts(ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001")))
            }
        }
    }

    @Test("Letterboxd: by any id, votes from the statistics, tokens renewed, a wrong secret told")
    func letterboxd() async throws {
        try await EmulatedClients.run { clients in
            let emulator = try #require(clients.upstreams.server.providers[.letterboxd] as? LetterboxdEmulator)
            for ids in [SubjectIDs(imdb: "tt9100001"), SubjectIDs(tmdb: 910_001), SubjectIDs(letterboxd: "nkrl")] {
                let facts = try #require(await clients.letterboxd.facts(ProviderSubject(kind: .movie, ids: ids)))
                #expect(facts.scoreLines == ["letterboxd 4.0/5 79.60 12639"])
                #expect(facts.ids == SubjectIDs(imdb: "tt9100001", tmdb: 910_001, letterboxd: "nkrl"))
                #expect(facts.released?.iso == "2019")
                #expect(facts.posterURL == "https://posters.example/l.jpg")
            }
            let known = ProviderSubject(
                kind: .movie, ids: SubjectIDs(imdb: "tt9100001", letterboxd: "nkrl"), name: "Known")
            emulator.revokeTokens()
            let before = clients.asked(.letterboxd).count
            let refreshed = try #require(await clients.letterboxd.facts(known))
            #expect(refreshed.scores.map(\.url) == ["https://boxd.it/nkrl"], "a link to the film is owed")
            // A refusal, a new token, and the statistics.
            #expect(clients.asked(.letterboxd).count == before + 3)
            clients.clock.advance(by: 3_300_000)
            _ = try await clients.letterboxd.facts(known)
            #expect(clients.asked(.letterboxd).filter { $0.path == "/api/v0/auth/token" }.count == 3)
            let named = ProviderSubject(kind: .movie, name: "The Cartographer's Daughter", year: 1988)
            #expect(try await clients.letterboxd.facts(named)?.ids.imdb == "tt9100011")
            let few = ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100013"))
            #expect(try await clients.letterboxd.facts(few)?.outcome == .noRating)
            let two = ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001", tmdb: 910_002))
            await #expect(throws: ProviderError.notFound) { try await clients.letterboxd.facts(two) }
            await #expect(throws: ProviderError.notFound) {
                try await clients.letterboxd.facts(ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9999999")))
            }
        }
        var keys = EmulatedClients.Keys()
        keys.letterboxd = "wrong"
        try await EmulatedClients.run(keys: keys) { clients in
            await #expect(throws: ProviderError.unauthorized) {
                try await clients.letterboxd.facts(ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001")))
            }
        }
    }

    @Test("Letterboxd: TMDb's number of a series is not taken for that of a film")
    func letterboxdSeries() throws {
        let text = """
            {"id": "kEsO", "name": "Saltmarsh", "links": [
                {"type": "tmdb", "id": "910001", "url": "https://www.themoviedb.org/tv/910001/"}]}
            """
        let record = try viewJSON(keeping: LetterboxdMapping.members, of: Array(text.utf8))
        let mapping = LetterboxdMapping(fetchedAtMilliseconds: 7)
        #expect(mapping.film(record, kind: .movie)?.ids == SubjectIDs(letterboxd: "kEsO"))
        #expect(mapping.film(record, kind: .series)?.ids == SubjectIDs(tmdb: 910_001, letterboxd: "kEsO"))
    }

    @Test("Simkl: ids of other places, its relays, episodes, and who it takes us for")
    func simkl() async throws {
        try await EmulatedClients.run { clients in
            let film = try #require(
                await clients.simkl.facts(ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001"))))
            #expect(film.scoreLines == ["simkl 8.1/10 81.00 422", "imdb 8.1/10 81.00 76170"])
            #expect(film.scores.first?.url?.hasPrefix("https://simkl.com/movies/600100001/") == true)
            let anime = try #require(
                await clients.simkl.facts(ProviderSubject(kind: .series, ids: SubjectIDs(tvdb: 910_201))))
            #expect(anime.name == "The Foxfire Post")
            #expect(anime.originalName == "Kitsunebi Yuubinkyoku")
            #expect(anime.ids.myanimelist == 201_002_011)
            #expect(anime.ids.anidb == 301_002_011)
            #expect(anime.scores.map(\.source) == [.simkl, .imdb, .myanimelist])
            let byMAL = ProviderSubject(kind: .series, ids: SubjectIDs(myanimelist: 201_002_011))
            #expect(try await clients.simkl.facts(byMAL)?.ids.imdb == "tt9100201")
            let named = ProviderSubject(kind: .movie, name: "The Cartographer's Daughter", year: 2018)
            #expect(try await clients.simkl.facts(named)?.ids.imdb == "tt9100012")
            let episode = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(simkl: 600_100_101), seasonNumber: 1, episodeNumber: 2)
            #expect(try await clients.simkl.facts(episode)?.name == "The Sluice")
            #expect(
                clients.asked(.simkl).allSatisfy { $0.query("app-name") == "reelay" && $0.query("app-version") != nil })
            clients.add(Fault(provider: .simkl, kind: .quota, times: 1))
            await #expect(throws: ProviderError.quota(untilMilliseconds: EmulatedClients.now + 600_000)) {
                try await clients.simkl.facts(byMAL)
            }
        }
    }
}
