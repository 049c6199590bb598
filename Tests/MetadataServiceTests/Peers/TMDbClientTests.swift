import MetadataService
import Testing
import UpstreamEmulators

@Suite("TMDb client against the emulator")
struct TMDbClientTests {
    @Test("a film by IMDb id: find, then one call for everything")
    func filmByIMDb() async throws {
        try await EmulatedClients.run { clients in
            let subject = ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001"))
            let facts = try #require(await clients.tmdb.facts(subject))
            #expect(facts.name == "The Lighthouse Keeper's Clock")
            #expect(facts.ids == SubjectIDs(imdb: "tt9100001", tmdb: 910_001))
            #expect(facts.certification == "PG-13")
            #expect(facts.scoreLines == ["tmdb 7.9/10 79.12 4213"])
            #expect(facts.fetchedAtMilliseconds == EmulatedClients.now)
            let asked = clients.asked(.tmdb)
            #expect(asked.map(\.path) == ["/3/find/tt9100001", "/3/movie/910001"])
            #expect(asked.allSatisfy { $0.header("authorization") == "Bearer \(TMDbEmulator.accessToken)" })
            #expect(asked.allSatisfy { $0.query("api_key") == nil && $0.header("user-agent") == "Reelay/test" })
        }
    }

    @Test("a version 3 key goes into the query, never into the header")
    func queryKey() async throws {
        try await EmulatedClients.run(tmdbKey: TMDbEmulator.apiKey) { clients in
            let film = try await clients.tmdb.movie(910_001)
            #expect(film.name == "The Lighthouse Keeper's Clock")
            #expect(clients.asked(.tmdb).allSatisfy { $0.header("authorization") == nil })
        }
    }

    @Test("film and series numbers are counted apart")
    func numbers() async throws {
        try await EmulatedClients.run { clients in
            let film = try await clients.tmdb.movie(910_001)
            let series = try await clients.tmdb.series(910_001)
            #expect(film.name == "The Lighthouse Keeper's Clock")
            #expect(series.name == "Saltmarsh")
            #expect(series.ids == SubjectIDs(imdb: "tt9100101", tmdb: 910_001, tvdb: 910_101))
            #expect(series.certification == "TV-MA")
            #expect(series.ended?.iso == "2020-03-22")
            #expect(series.children.compactMap(\.seasonNumber) == [0, 1, 2])
        }
    }

    @Test("seasons and episodes by number, by series id of any kind, and an episode by its own IMDb id")
    func episodes() async throws {
        try await EmulatedClients.run { clients in
            let season = try await clients.tmdb.season(series: 910_001, number: 1)
            #expect(season.children.count == 6)
            let subject = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(tvdb: 910_101), seasonNumber: 1, episodeNumber: 2)
            let episode = try #require(await clients.tmdb.facts(subject))
            #expect(episode.name == "The Sluice")
            #expect(episode.released?.iso == "2019-02-10")
            #expect(episode.ids.imdb == "tt9201102")
            let own = ProviderSubject(kind: .episode, ids: SubjectIDs(imdb: "tt9201102"))
            #expect(try await clients.tmdb.facts(own) == episode)
        }
    }

    @Test("by name: the remake of that year, and none without a year")
    func byName() async throws {
        try await EmulatedClients.run { clients in
            let remake = ProviderSubject(kind: .movie, name: "the cartographer's daughter", year: 2018)
            #expect(try await clients.tmdb.facts(remake)?.ids.tmdb == 910_012)
            let exported = ProviderSubject(
                kind: .movie, ids: SubjectIDs(letterboxd: "a1"), name: remake.name, year: remake.year)
            #expect(try await clients.tmdb.facts(exported)?.ids.tmdb == 910_012, "as Letterboxd's export tells it")
            let elsewhere = ProviderSubject(
                kind: .movie, ids: SubjectIDs(tvmaze: 7, letterboxd: "a1"), name: remake.name, year: remake.year)
            let calls = clients.asked(.tmdb).count
            #expect(try await clients.tmdb.facts(elsewhere) == nil, "it was not asked, so that it cannot say no")
            let episode = ProviderSubject(
                kind: .episode, ids: SubjectIDs(imdb: "tt9201102"), seriesIDs: SubjectIDs(trakt: 7), seasonNumber: 1,
                episodeNumber: 2)
            #expect(clients.asked(.tmdb).count == calls)
            #expect(try await clients.tmdb.facts(episode)?.name == "The Sluice")
            // The premiere and the release often fall in different years; with a greater distance, it is another film.
            for year in [1987, 1989] {
                let beside = ProviderSubject(kind: .movie, name: remake.name, year: year)
                #expect(try await clients.tmdb.facts(beside)?.ids.tmdb == 910_011)
            }
            let farther = ProviderSubject(kind: .movie, name: remake.name, year: 1986)
            await #expect(throws: ProviderError.notFound) { try await clients.tmdb.facts(farther) }
            let before = clients.asked(.tmdb).count
            let exact = try await clients.tmdb.search(
                ProviderQuery(kind: .movie, name: "the cartographer's daughter", year: 2018))
            #expect(exact.map(\.ids.tmdb) == [910_012] && clients.asked(.tmdb).count == before + 1)
            let unclear = ProviderSubject(kind: .movie, name: "The Cartographer's Daughter")
            await #expect(throws: ProviderError.notFound) { try await clients.tmdb.facts(unclear) }
            let ampersand = try await clients.tmdb.search(ProviderQuery(kind: .movie, name: "Ember & Ash"))
            #expect(ampersand.map(\.name) == ["Ember & Ash", "Ember & Ash: Part Two"])
            let foreign = try await clients.tmdb.search(ProviderQuery(kind: .movie, name: "冬の標識"))
            #expect(foreign.map(\.name) == ["Winter Signpost"])
        }
    }

    /// What was found for the year itself used to be lost with the neighbouring year.
    @Test("a year beside that cannot be asked takes nothing from a person, and is no absence to who looks a title up")
    func yearBesideFails() async throws {
        try await EmulatedClients.run { clients in
            let failure = ProviderError.unavailable("status 503")
            func failAfterFirst() {
                clients.add(Fault(provider: .tmdb, kind: .latency, times: 1, milliseconds: 0))
                clients.add(Fault(provider: .tmdb, kind: .status, times: 1))
            }
            let query = ProviderQuery(kind: .movie, name: "Ember", year: 2015)
            failAfterFirst()
            let finds = try await clients.tmdb.browse(query)
            #expect(finds.facts.map(\.ids.tmdb) == [910_020] && finds.missed == failure)
            #expect(clients.asked(.tmdb).count == 2, "who has just failed is let be")
            failAfterFirst()
            await #expect(throws: failure) { try await clients.tmdb.search(query) }
            failAfterFirst()
            let beside = ProviderSubject(kind: .movie, name: "The Cartographer's Daughter", year: 1989)
            await #expect(throws: failure) { try await clients.tmdb.facts(beside) }
            clients.add(Fault(provider: .tmdb, kind: .status, times: 1))
            await #expect(throws: failure) { try await clients.tmdb.browse(query) }
            #expect(try await clients.tmdb.browse(query).missed == nil)
        }
    }

    /// TMDb sends a season in one piece, with the whole cast of each episode.
    @Test("a season may be larger than other answers, and has a bound too")
    func largeSeason() async throws {
        var limits = ProviderLimits.standard
        limits.bodyBytesMax = 500
        let tooLarge = ProviderError.malformed("the body is too large")
        try await EmulatedClients.run(limits: limits) { clients in
            let season = try await clients.tmdb.season(series: 910_001, number: 1)
            #expect(season.children.count == 6)
            await #expect(throws: tooLarge) { try await clients.tmdb.series(910_001) }
            clients.add(Fault(provider: .tmdb, kind: .oversized, times: 1, bytes: 16_777_217))
            await #expect(throws: tooLarge) { try await clients.tmdb.season(series: 910_001, number: 1) }
        }
    }

    @Test("titles with gaps: no votes, no date, no run time, no IMDb id")
    func gaps() async throws {
        try await EmulatedClients.run { clients in
            let unrated = try await clients.tmdb.movie(910_006)
            #expect(unrated.scores.isEmpty)
            #expect(unrated.outcome == .noRating)
            let bare = try await clients.tmdb.movie(910_017)
            #expect(bare.released == nil)
            #expect(bare.runtimeMinutes == nil)
            #expect(bare.overview == nil)
            #expect(try await clients.tmdb.movie(910_014).ids.imdb == nil)
            #expect(try await clients.tmdb.movie(910_013).scoreLines == ["tmdb 10.0/10 100.00 1"])
            #expect(try await clients.tmdb.series(910_109).runtimeMinutes == 55)
        }
    }

    @Test("what TMDb does not have, and what it cannot be asked")
    func absent() async throws {
        try await EmulatedClients.run { clients in
            let tmdb = clients.tmdb
            await #expect(throws: ProviderError.notFound) { try await tmdb.movie(1) }
            let unknown = ProviderSubject(
                kind: .movie, ids: SubjectIDs(imdb: "tt9999999"), name: "Ember & Ash", year: 2015)
            await #expect(throws: ProviderError.notFound) { try await tmdb.facts(unknown) }
            for subject in [ProviderSubject(kind: .movie), ProviderSubject(kind: .season, seasonNumber: 1)] {
                let facts = try await tmdb.facts(subject)
                #expect(facts == nil)
            }
            let report = await ProviderReport(asking: tmdb, about: unknown)
            #expect(report.answer.outcome == .notMapped)
        }
    }

    @Test("a wrong key")
    func wrongKey() async throws {
        try await EmulatedClients.run(tmdbKey: "wrong") { clients in
            await #expect(throws: ProviderError.unauthorized) { try await clients.tmdb.movie(910_001) }
        }
    }
}
