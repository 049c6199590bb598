import MetadataService
import Runtime
import Testing
import UpstreamEmulators

@Suite("What is counted of calls to providers")
struct ProviderCallsTests {
    private static let subject = ProviderSubject(
        kind: .series,
        ids: SubjectIDs(
            imdb: "tt9100201", tmdb: 910_201, tvdb: 910_201, tvmaze: 700_100_201, trakt: 500_100_201,
            simkl: 600_100_201, anilist: 101_002_011, anidb: 301_002_011, myanimelist: 201_002_011,
            kitsu: 401_002_011), name: "The Foxfire Post", year: 2020, isAnime: true)

    /// A counter that starts at one shows no increase.
    @Test("every outcome of every provider is there before the first call")
    func start() async throws {
        try await EmulatedClients.run { clients in
            let none = Dictionary(uniqueKeysWithValues: CallOutcome.allCases.map { ($0.rawValue, 0) })
            for provider in ProviderID.allCases { #expect(clients.counted(provider) == none, "\(provider)") }
            _ = await ProviderReport(asking: clients.tvmaze, about: Self.subject)
            let text = String(decoding: clients.metrics.exposition(), as: UTF8.self)
            let made = try #require(clients.counted(.tvmaze)["ok"])
            #expect(made > 0)
            #expect(text.contains("\nprovider_call_duration_seconds_count{provider=\"tvmaze\"} \(made)\n"), "\(text)")
            #expect(text.contains("\nprovider_call_duration_seconds_count{provider=\"tmdb\"} 0\n"), "\(text)")
        }
    }

    @Test("a key that is not accepted is told from all else, whatever status says so")
    func refused() async throws {
        var keys = EmulatedClients.Keys()
        keys.tmdb = "wrong"
        keys.tvdb = "wrong"
        keys.omdb = "wrong"
        keys.trakt = "wrong"
        keys.anidb = "stranger/1"
        keys.myanimelist = "wrong"
        try await EmulatedClients.run(keys: keys) { clients in
            let asked: [any ProviderClient] = [
                clients.tmdb, clients.tvdb, clients.omdb, clients.trakt, clients.anidb, clients.myanimelist,
            ]
            for client in asked {
                let report = await ProviderReport(asking: client, about: Self.subject)
                #expect(report.error == .unauthorized, "\(client.provider)")
                let counts = clients.counted(client.provider)
                #expect(counts["refused"] ?? 0 > 0 && counts["ok"] == 0, "\(client.provider): \(counts)")
            }
        }
    }

    @Test("OMDb: a used-up day is no refused key, though both are 401; an absent title is not ok, though that is 200")
    func meanings() async throws {
        try await EmulatedClients.run { clients in
            await #expect(throws: ProviderError.notFound) { try await clients.omdb.title(imdb: "tt9999999") }
            #expect(clients.counted(.omdb)["not_found"] == 1)
            clients.add(Fault(provider: .omdb, kind: .quota, times: 1))
            let report = await ProviderReport(asking: clients.omdb, about: Self.subject)
            #expect(report.error?.label == "quota")
            let counts = clients.counted(.omdb)
            #expect(counts["limited"] == 1 && counts["refused"] == 0, "\(counts)")
        }
    }

    /// It would trigger the alert on keys whenever a token ends early.
    @Test("a token that was withdrawn is no refused key")
    func token() async throws {
        try await EmulatedClients.run { clients in
            let subject = ProviderSubject(kind: .series, ids: SubjectIDs(tvdb: 910_201))
            _ = try await clients.tvdb.facts(subject)
            let emulator = try #require(clients.upstreams.server.providers[.tvdb] as? TVDbEmulator)
            emulator.revokeTokens()
            _ = try await clients.tvdb.facts(subject)
            #expect(clients.asked(.tvdb).filter { $0.path == "/v4/login" }.count == 2)
            #expect(clients.counted(.tvdb)["refused"] == 0)
        }
    }
}
