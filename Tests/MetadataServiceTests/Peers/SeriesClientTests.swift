import MetadataService
import Testing
import UpstreamEmulators

@Suite("TVDb and TVmaze clients against the emulators")
struct SeriesClientTests {
    @Test("TVDb: one login for many calls at once, by every id that leads there")
    func tvdb() async throws {
        try await EmulatedClients.run { clients in
            let subjects = [
                ProviderSubject(kind: .series, ids: SubjectIDs(tvdb: 910_201)),
                ProviderSubject(kind: .series, ids: SubjectIDs(imdb: "tt9100201")),
                ProviderSubject(kind: .series, ids: SubjectIDs(tmdb: 910_201)),
                ProviderSubject(kind: .series, name: "The Foxfire Post", year: 2020),
                ProviderSubject(kind: .series, name: "狐火郵便局", year: 2020),
                ProviderSubject(kind: .series, name: "The Foxfire Post", year: 2021),
            ]
            try await withThrowingTaskGroup(of: ProviderFacts?.self) { group in
                for subject in subjects { group.addTask { try await clients.tvdb.facts(subject) } }
                for try await facts in group {
                    #expect(facts?.ids == SubjectIDs(imdb: "tt9100201", tmdb: 910_201, tvdb: 910_201))
                    #expect(facts?.name == "The Foxfire Post")
                    #expect(facts?.originalName == "狐火郵便局")
                    #expect(facts?.scores.map(\.status) == [.popularity])
                    #expect(facts?.isAnime == true)
                }
            }
            #expect(clients.asked(.tvdb).filter { $0.path == "/v4/login" }.count == 1)
        }
    }

    @Test("TVDb: a year beside that cannot be asked takes nothing from what a person is shown")
    func tvdbYearBesideFails() async throws {
        try await EmulatedClients.run { clients in
            let query = ProviderQuery(kind: .series, name: "Foxfire", year: 2020)
            func failAfterFirst() {
                clients.add(
                    Fault(provider: .tvdb, kind: .latency, path: "/v4/search", times: 1, milliseconds: 0))
                clients.add(Fault(provider: .tvdb, kind: .status, path: "/v4/search", times: 1))
            }
            failAfterFirst()
            let finds = try await clients.tvdb.browse(query)
            #expect(finds.facts.map(\.ids.tvdb) == [910_201])
            #expect(finds.missed == .unavailable("status 503"))
            failAfterFirst()
            let beside = ProviderSubject(kind: .series, name: "The Foxfire Post", year: 2021)
            await #expect(throws: ProviderError.unavailable("status 503")) { try await clients.tvdb.facts(beside) }
        }
    }

    @Test("TVDb: films, seasons and episodes; a number that means a film and a series")
    func tvdbKinds() async throws {
        try await EmulatedClients.run { clients in
            let film = try #require(
                await clients.tvdb.facts(ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001"))))
            #expect(film.kind == .movie)
            #expect(film.runtimeMinutes == 118)
            #expect(film.released?.iso == "2019-10-11")
            // The look-up reads the record for verification, and does not read it twice.
            #expect(clients.asked(.tvdb).filter { $0.path != "/v4/login" }.count == 2)
            let both = try #require(
                await clients.tvdb.facts(ProviderSubject(kind: .series, ids: SubjectIDs(tmdb: 910_001))))
            #expect(both.name == "Saltmarsh")
            let season = ProviderSubject(kind: .season, seriesIDs: SubjectIDs(tvdb: 910_202), seasonNumber: 2)
            #expect(try await clients.tvdb.facts(season)?.seasonNumber == 2)
            let episode = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(imdb: "tt9100202"), seasonNumber: 2, episodeNumber: 3)
            #expect(try await clients.tvdb.facts(episode)?.name == "Knots")
            let absent = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(tvdb: 910_202), seasonNumber: 9, episodeNumber: 3)
            await #expect(throws: ProviderError.notFound) { try await clients.tvdb.facts(absent) }
            await #expect(throws: ProviderError.notFound) {
                try await clients.tvdb.facts(ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9999999")))
            }
            #expect(try await clients.tvdb.facts(ProviderSubject(kind: .season, seasonNumber: 1)) == nil)
        }
    }

    /// The first 404 used to end the look-up, even if other ids led to the title.
    @Test("TVDb: a number that is not there, or leads to nothing, leaves the other ids to be tried")
    func tvdbAbsent() async throws {
        try await EmulatedClients.run { clients in
            let stale = SubjectIDs(imdb: "tt9100202", tvdb: 999_999)
            let series = try await clients.tvdb.facts(ProviderSubject(kind: .series, ids: stale))
            #expect(series?.ids.tvdb == 910_202)
            let season = ProviderSubject(kind: .season, seriesIDs: stale, seasonNumber: 2)
            #expect(try await clients.tvdb.facts(season)?.seasonNumber == 2)
            let episode = ProviderSubject(kind: .episode, seriesIDs: stale, seasonNumber: 2, episodeNumber: 3)
            #expect(try await clients.tvdb.facts(episode)?.name == "Knots")
            // The record that the IMDb id leads to is gone.
            clients.add(
                Fault(provider: .tvdb, kind: .status, path: "/v4/series/910201/extended", times: 1, status: 404))
            let both = SubjectIDs(imdb: "tt9100201", tmdb: 910_201)
            #expect(try await clients.tvdb.facts(ProviderSubject(kind: .series, ids: both))?.ids.tvdb == 910_201)
            // An episode that a known series does not have is not looked for elsewhere.
            let before = clients.asked(.tvdb).count
            let absent = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(imdb: "tt9100202", tvdb: 910_202), seasonNumber: 9,
                episodeNumber: 3)
            await #expect(throws: ProviderError.notFound) { try await clients.tvdb.facts(absent) }
            #expect(clients.asked(.tvdb).count == before + 1)
            for kind in [SubjectKind.movie, .series] {
                let nowhere = ProviderSubject(kind: kind, ids: SubjectIDs(tvdb: 999_999))
                await #expect(throws: ProviderError.notFound) { try await clients.tvdb.facts(nowhere) }
            }
        }
    }

    @Test("TVDb: a token that is withdrawn is replaced once, an old one is renewed, a wrong key is told")
    func tvdbTokens() async throws {
        try await EmulatedClients.run { clients in
            let emulator = try #require(clients.upstreams.server.providers[.tvdb] as? TVDbEmulator)
            let subject = ProviderSubject(kind: .series, ids: SubjectIDs(tvdb: 910_201))
            _ = try await clients.tvdb.facts(subject)
            emulator.revokeTokens()
            _ = try await clients.tvdb.facts(subject)
            clients.clock.advance(by: 26 * 86_400_000)
            _ = try await clients.tvdb.facts(subject)
            #expect(clients.asked(.tvdb).filter { $0.path == "/v4/login" }.count == 3)
        }
        var keys = EmulatedClients.Keys()
        keys.tvdb = "wrong"
        try await EmulatedClients.run(keys: keys) { clients in
            let subject = ProviderSubject(kind: .series, ids: SubjectIDs(tvdb: 910_201))
            await #expect(throws: ProviderError.unauthorized) { try await clients.tvdb.facts(subject) }
        }
    }

    @Test("TVmaze: looked up by redirect, by name and year, seasons and episodes; films not at all")
    func tvmaze() async throws {
        try await EmulatedClients.run { clients in
            for ids in [SubjectIDs(imdb: "tt9100101"), SubjectIDs(tvdb: 910_101), SubjectIDs(tvmaze: 700_100_101)] {
                let facts = try #require(await clients.tvmaze.facts(ProviderSubject(kind: .series, ids: ids)))
                #expect(facts.ids == SubjectIDs(imdb: "tt9100101", tvdb: 910_101, tvmaze: 700_100_101))
                #expect(facts.scoreLines == ["tvmaze 8.0/10 80.00 -"])
                #expect(facts.children.compactMap(\.seasonNumber) == [0, 1, 2])
                #expect(facts.ended?.iso == "2020-03-22")
            }
            let named = ProviderSubject(kind: .series, name: "Saltmarsh", year: 2019)
            #expect(try await clients.tvmaze.facts(named)?.ids.tvmaze == 700_100_101)
            let season = ProviderSubject(kind: .season, seriesIDs: SubjectIDs(imdb: "tt9100101"), seasonNumber: 2)
            #expect(try await clients.tvmaze.facts(season)?.released?.iso == "2020-02-16")
            let episode = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(tvmaze: 700_100_101), seasonNumber: 1, episodeNumber: 2)
            #expect(try await clients.tvmaze.facts(episode)?.name == "The Sluice")
            let special = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(tvmaze: 700_100_101), seasonNumber: 9, episodeNumber: 1)
            await #expect(throws: ProviderError.notFound) { try await clients.tvmaze.facts(special) }
            await #expect(throws: ProviderError.notFound) {
                try await clients.tvmaze.facts(ProviderSubject(kind: .series, ids: SubjectIDs(imdb: "tt9999999")))
            }
            #expect(
                try await clients.tvmaze.facts(ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001"))) == nil
            )
            #expect(try await clients.tvmaze.facts(ProviderSubject(kind: .series, ids: SubjectIDs(tmdb: 5))) == nil)
        }
    }
}
