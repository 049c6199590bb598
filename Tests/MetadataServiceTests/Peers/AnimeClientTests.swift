import MetadataService
import Testing
import UpstreamEmulators

@Suite("Clients of the places for anime against the emulators")
struct AnimeClientTests {
    /// The series that every source rates, with what the first providers know of it.
    private static let foxfire = ProviderSubject(
        kind: .series, ids: SubjectIDs(imdb: "tt9100201", tvdb: 910_201), name: "The Foxfire Post", year: 2020,
        isAnime: true)

    @Test("each finds the series by name and year where it is known to be anime")
    func byName() async throws {
        try await EmulatedClients.run { clients in
            let anilist = try #require(await clients.anilist.facts(Self.foxfire))
            #expect(anilist.scoreLines == ["anilist 84% 84.00 6932"])
            #expect(anilist.ids == SubjectIDs(anilist: 101_002_011, myanimelist: 201_002_011))
            #expect(anilist.overview?.contains("<") == false)
            let mal = try #require(await clients.myanimelist.facts(Self.foxfire))
            #expect(mal.scoreLines == ["myanimelist 8.53/10 85.30 51990"])
            let kitsu = try #require(await clients.kitsu.facts(Self.foxfire))
            #expect(kitsu.scoreLines == ["kitsu 84.1% 84.12 3466"])
            #expect(
                kitsu.ids
                    == SubjectIDs(
                        anilist: 101_002_011, anidb: 301_002_011, myanimelist: 201_002_011, kitsu: 401_002_011))
            #expect(try await clients.anidb.facts(Self.foxfire) == nil)
        }
    }

    @Test("without a word about anime, ids of other places lead nowhere and are no reason to guess by name")
    func noGuess() async throws {
        try await EmulatedClients.run { clients in
            for isAnime in [nil, false] {
                let subject = ProviderSubject(
                    kind: .series, ids: SubjectIDs(imdb: "tt9100201"), name: "The Foxfire Post", year: 2020,
                    isAnime: isAnime)
                for client in [clients.anilist, clients.anidb, clients.myanimelist, clients.kitsu]
                    as [any ProviderClient]
                {
                    let facts = try await client.facts(subject)
                    #expect(facts == nil, "\(client.provider)")
                }
            }
            #expect(clients.asked(.anilist).isEmpty)
            let bare = ProviderSubject(kind: .series, name: "Kitsunebi Yuubinkyoku", year: 2020)
            #expect(try await clients.anilist.facts(bare)?.ids.anilist == 101_002_011)
            let other = ProviderSubject(kind: .series, name: "The Foxfire Post", year: 2012)
            await #expect(throws: ProviderError.notFound) { try await clients.myanimelist.facts(other) }
            let film = ProviderSubject(kind: .movie, name: "The Foxfire Post", year: 2020)
            await #expect(throws: ProviderError.notFound) { try await clients.kitsu.facts(film) }
        }
    }

    @Test("AniDB: packed XML, both means, episodes within the entry")
    func anidb() async throws {
        try await EmulatedClients.run { clients in
            let facts = try #require(
                await clients.anidb.facts(ProviderSubject(kind: .series, ids: SubjectIDs(anidb: 301_002_011))))
            #expect(facts.scoreLines == ["anidb_permanent 8.11/10 81.10 1740", "anidb_temporary 8.36/10 83.60 1823"])
            #expect(facts.ids == SubjectIDs(anidb: 301_002_011, myanimelist: 201_002_011))
            #expect(facts.name == "The Foxfire Post")
            #expect(facts.children.count == 12)
            #expect(facts.genres == ["animation", "fantasy", "mystery"])
            await #expect(throws: ProviderError.notFound) {
                try await clients.anidb.facts(ProviderSubject(kind: .series, ids: SubjectIDs(anidb: 1)))
            }
        }
    }

    @Test("AniDB: a ban is remembered for a day, and nothing is asked meanwhile")
    func ban() async throws {
        try await EmulatedClients.run { clients in
            let subject = ProviderSubject(kind: .series, ids: SubjectIDs(anidb: 301_002_011))
            clients.add(Fault(provider: .anidb, kind: .quota, times: 1))
            let banned = ProviderError.quota(untilMilliseconds: EmulatedClients.now + 86_400_000)
            for _ in 0..<3 { await #expect(throws: banned) { try await clients.anidb.facts(subject) } }
            #expect(clients.asked(.anidb).count == 1)
            clients.clock.advance(by: 86_400_001)
            let after = try await clients.anidb.facts(subject)
            #expect(after?.ids.anidb == 301_002_011)
        }
        var keys = EmulatedClients.Keys()
        keys.anidb = "stranger/1"
        try await EmulatedClients.run(keys: keys) { clients in
            await #expect(throws: ProviderError.unauthorized) {
                try await clients.anidb.facts(ProviderSubject(kind: .series, ids: SubjectIDs(anidb: 301_002_011)))
            }
        }
    }

    @Test("a series has the entry of its first season, and every season its own")
    func seasons() async throws {
        try await EmulatedClients.run { clients in
            let series = ProviderSubject(
                kind: .series, ids: SubjectIDs(tvdb: 910_202), name: "Kites over Kanazawa", year: 2015, isAnime: true)
            #expect(try await clients.kitsu.facts(series)?.ids.kitsu == 401_002_021)
            #expect(try await clients.anilist.facts(series)?.ids.anilist == 101_002_021)
            #expect(try await clients.myanimelist.facts(series)?.ids.myanimelist == 201_002_021)
            var shown: Set<String> = []
            for number in 1...3 {
                let season = ProviderSubject(
                    kind: .season, seriesIDs: SubjectIDs(tvdb: 910_202), seasonNumber: number, isAnime: true)
                let kitsu = try #require(await clients.kitsu.facts(season))
                #expect(kitsu.ids.kitsu == Int64(401_002_020 + number))
                #expect(kitsu.seasonNumber == number)
                let byMAL = ProviderSubject(
                    kind: .season, ids: SubjectIDs(myanimelist: kitsu.ids.myanimelist), seasonNumber: number)
                let anilist = try #require(await clients.anilist.facts(byMAL))
                #expect(anilist.ids.anilist == Int64(101_002_020 + number))
                #expect(anilist.kind == .season)
                shown.formUnion(anilist.scoreLines)
            }
            #expect(shown.count == 3)
            let absent = ProviderSubject(
                kind: .season, seriesIDs: SubjectIDs(tvdb: 910_202), seasonNumber: 4, isAnime: true)
            await #expect(throws: ProviderError.notFound) { try await clients.kitsu.facts(absent) }
        }
    }

    @Test("films, and what is absent or refused")
    func others() async throws {
        try await EmulatedClients.run { clients in
            let film = ProviderSubject(
                kind: .movie, ids: SubjectIDs(imdb: "tt9100203"), name: "The Snow Clerk", year: 2017, isAnime: true)
            for client in [clients.anilist, clients.myanimelist, clients.kitsu] as [any ProviderClient] {
                let facts = try #require(await client.facts(film))
                #expect(facts.kind == .movie)
                #expect(facts.scores.count == 1)
            }
            let absent = ProviderSubject(kind: .series, ids: SubjectIDs(anilist: 5, myanimelist: 5, kitsu: 5))
            for client in [clients.anilist, clients.myanimelist, clients.kitsu] as [any ProviderClient] {
                await #expect(throws: ProviderError.notFound) { try await client.facts(absent) }
            }
            clients.add(Fault(provider: .myanimelist, kind: .quota, times: 1))
            await #expect(throws: ProviderError.rateLimited(retryAfter: .seconds(300))) {
                try await clients.myanimelist.facts(film)
            }
            clients.add(Fault(provider: .anilist, kind: .quota, times: 1))
            let report = await ProviderReport(asking: clients.anilist, about: film)
            #expect(report.error?.label == "unavailable")
            #expect(try await clients.myanimelist.search(ProviderQuery(kind: .series, name: "ab")).isEmpty)
        }
        var keys = EmulatedClients.Keys()
        keys.myanimelist = "wrong"
        try await EmulatedClients.run(keys: keys) { clients in
            await #expect(throws: ProviderError.unauthorized) {
                try await clients.myanimelist.facts(
                    ProviderSubject(kind: .series, ids: SubjectIDs(myanimelist: 201_002_011)))
            }
        }
    }

    @Test("one title has all fifteen sources, asked by one id and what is learnt on the way")
    func everySource() async throws {
        try await EmulatedClients.run { clients in
            var subject = ProviderSubject(kind: .series, ids: SubjectIDs(imdb: "tt9100201"))
            var facts: [ProviderID: ProviderFacts] = [:]
            for _ in 0..<3 {
                for client in clients.all where facts[client.provider] == nil {
                    let report = await ProviderReport(asking: client, about: subject)
                    #expect(report.error == nil, "\(client.provider)")
                    if let told = report.facts { facts[client.provider] = told }
                }
                subject = subject.filled(from: facts.values.sorted { $0.provider.order < $1.provider.order })
            }
            #expect(facts.count == ProviderID.allCases.count)
            let scores = MergedScores(facts.values.flatMap(\.scores)).scores
            #expect(scores.map(\.source) == ScoreSource.allCases.sorted { $0.order < $1.order })
            for score in scores where score.source.owner != nil { #expect(score.via == score.source.owner) }
            #expect(!subject.ids.isEmpty && subject.isAnime == true)
        }
    }
}
