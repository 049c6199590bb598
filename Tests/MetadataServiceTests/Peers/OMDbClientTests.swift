import MetadataService
import Testing
import UpstreamEmulators

@Suite("OMDb client against the emulator")
struct OMDbClientTests {
    @Test("a film by IMDb id")
    func film() async throws {
        try await EmulatedClients.run { clients in
            let subject = ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001"))
            let facts = try #require(await clients.omdb.facts(subject))
            #expect(
                facts.scoreLines == [
                    "imdb 8.1/10 81.00 152340", "rotten_tomatoes_critics 93% 93.00 -", "metacritic 84/100 84.00 -",
                ])
            #expect(facts.released?.iso == "2019-10-11")
            #expect(facts.certification == "PG-13")
            #expect(clients.asked(.omdb).map(\.path) == ["/"])
        }
    }

    @Test("records with gaps: old shape, no Tomatometer, nothing at all")
    func gaps() async throws {
        try await EmulatedClients.run { clients in
            #expect(try await clients.omdb.title(imdb: "tt9100004").scoreLines == ["imdb 7.8/10 78.00 41220"])
            #expect(
                try await clients.omdb.title(imdb: "tt9100003").scoreLines
                    == ["imdb 7.2/10 72.00 9881", "metacritic 77/100 77.00 -"])
            let bare = try await clients.omdb.title(imdb: "tt9100006")
            #expect(bare.scores.isEmpty)
            #expect(bare.outcome == .noRating)
            #expect(bare.certification == nil)
        }
    }

    @Test("by name and year: the right remake, never another title")
    func byName() async throws {
        try await EmulatedClients.run { clients in
            let remake = ProviderSubject(kind: .movie, name: "The Cartographer's Daughter", year: 1988)
            let found = try await clients.omdb.facts(remake)
            #expect(found?.ids.imdb == "tt9100011")
            let beside = ProviderSubject(kind: .movie, name: "Ember & Ash", year: 2016)
            #expect(try await clients.omdb.facts(beside)?.ids.imdb == "tt9100020")
            let listed = try await clients.omdb.search(ProviderQuery(kind: .movie, name: "Ember & Ash", year: 2016))
            #expect(listed.compactMap(\.ids.imdb) == ["tt9100020", "tt9100021"])
            let farther = ProviderSubject(kind: .movie, name: "Ember & Ash", year: 2013)
            await #expect(throws: ProviderError.notFound) { try await clients.omdb.facts(farther) }
            let part = ProviderSubject(kind: .movie, name: "Ember & Ash: Part", year: 2017)
            await #expect(throws: ProviderError.notFound) { try await clients.omdb.facts(part) }
            #expect(try await clients.omdb.facts(ProviderSubject(kind: .movie, name: "Ember & Ash")) == nil)
        }
    }

    @Test("episodes by their own id and by their series' id")
    func episodes() async throws {
        try await EmulatedClients.run { clients in
            let own = try await clients.omdb.title(imdb: "tt9201102")
            #expect(own.kind == .episode)
            #expect(own.seriesIDs.imdb == "tt9100101")
            let subject = ProviderSubject(
                kind: .episode, seriesIDs: SubjectIDs(imdb: "tt9100101"), seasonNumber: 1, episodeNumber: 2)
            #expect(try await clients.omdb.facts(subject) == own)
        }
    }

    @Test("searches")
    func search() async throws {
        try await EmulatedClients.run { clients in
            let films = try await clients.omdb.search(ProviderQuery(kind: .movie, name: "Ember"))
            #expect(films.compactMap(\.ids.imdb) == ["tt9100020", "tt9100021"])
            #expect(try await clients.omdb.search(ProviderQuery(kind: .movie, name: "xyzzy")).isEmpty)
            #expect(try await clients.omdb.search(ProviderQuery(kind: .movie, name: "a")).isEmpty)
        }
    }

    @Test("other years that cannot be asked take nothing from what a person is shown")
    func otherYearsFail() async throws {
        try await EmulatedClients.run { clients in
            func failAfterFirst() {
                clients.add(Fault(provider: .omdb, kind: .latency, times: 1, milliseconds: 0))
                clients.add(Fault(provider: .omdb, kind: .status, times: 1))
            }
            let query = ProviderQuery(kind: .movie, name: "Ember", year: 2015)
            failAfterFirst()
            let finds = try await clients.omdb.browse(query)
            #expect(finds.facts.map(\.ids.imdb) == ["tt9100020"])
            #expect(finds.missed == .unavailable("status 503"))
            failAfterFirst()
            await #expect(throws: ProviderError.unavailable("status 503")) { try await clients.omdb.search(query) }
            failAfterFirst()
            let beside = ProviderSubject(kind: .movie, name: "Ember & Ash", year: 2016)
            await #expect(throws: ProviderError.unavailable("status 503")) { try await clients.omdb.facts(beside) }
        }
    }

    @Test("absent titles, games, and a wrong key")
    func failures() async throws {
        try await EmulatedClients.run { clients in
            for id in ["tt9100013", "tt9999999", "tt9100050"] {
                await #expect(throws: ProviderError.notFound) { try await clients.omdb.title(imdb: id) }
            }
        }
        try await EmulatedClients.run(omdbKey: "wrong") { clients in
            await #expect(throws: ProviderError.unauthorized) { try await clients.omdb.title(imdb: "tt9100001") }
        }
    }

    @Test("a used-up day lasts until midnight UTC and is no wrong key")
    func quota() async throws {
        try await EmulatedClients.run { clients in
            clients.add(Fault(provider: .omdb, kind: .quota, times: 1))
            await #expect(throws: ProviderError.quota(untilMilliseconds: 1_795_392_000_000)) {
                try await clients.omdb.title(imdb: "tt9100001")
            }
            let next = try await clients.omdb.title(imdb: "tt9100001")
            #expect(next.name == "The Lighthouse Keeper's Clock")
        }
    }
}
