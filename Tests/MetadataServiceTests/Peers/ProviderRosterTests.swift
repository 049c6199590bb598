import AsyncHTTPClient
import Contracts
import Runtime
import Testing

@testable import MetadataService

@Suite("Which providers are on, and why the others are not")
struct ProviderRosterTests {
    private static let keys = [
        "REELAY_TMDB_API_KEY": "a", "REELAY_TVDB_API_KEY": "b", "REELAY_OMDB_API_KEY": "c",
        "REELAY_TRAKT_CLIENT_ID": "d", "REELAY_LETTERBOXD_CLIENT_ID": "e", "REELAY_LETTERBOXD_CLIENT_SECRET": "f",
        "REELAY_SIMKL_CLIENT_ID": "g", "REELAY_ANIDB_CLIENT_ID": "h/1", "REELAY_MYANIMELIST_CLIENT_ID": "i",
    ]

    /// The answer to `GET /sources` under these settings.
    private func sources(_ settings: [String: String]) async throws -> [SourceInfo] {
        let loader = ConfigLoader(
            schema: ConfigSchema(ProviderRoster.keys), knownNames: [], knownSecrets: [],
            readFile: { ConfigFile.read($0) },
            listFolder: { ConfigFile.list($0) })
        let values = try loader.load(environment: settings)
        let client = HTTPClient(configuration: ProviderHTTP.configuration())
        let panel = ProviderRoster.panel(values, gates: [:], now: { 0 }) { _ in
            ProviderHTTP(client: client, userAgent: "Reelay/test")
        }
        try await client.shutdown()
        #expect(Set(panel.providers).isDisjoint(with: panel.skipped))
        return ListSources(providers: panel).run(ListSourcesParams(), Replica.context()).sources
    }

    private func off(_ sources: [SourceInfo]) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: sources.filter { !$0.enabled }.map { ($0.provider.rawValue, $0.reason ?? "") })
    }

    @Test("without any key three are asked; each of the others says what it needs")
    func withoutKeys() async throws {
        let list = try await sources([:])
        #expect(list.count == 11)
        #expect(list.filter(\.enabled).map(\.provider) == [.tvmaze, .anilist, .kitsu])
        #expect(list.filter(\.enabled).allSatisfy { $0.reason == nil })
        let reasons = off(list)
        #expect(reasons["tmdb"] == "It needs REELAY_TMDB_API_KEY.")
        #expect(
            reasons["letterboxd"] == "It needs REELAY_LETTERBOXD_CLIENT_ID and REELAY_LETTERBOXD_CLIENT_SECRET.")
        #expect(reasons["simkl"] == "It needs REELAY_SIMKL_CLIENT_ID and has to be switched on.")
    }

    @Test(
        "with all keys all but Simkl, which has to be switched on; a switch takes away who has a key and who needs none"
    )
    func withKeys() async throws {
        #expect(off(try await sources(Self.keys)).keys.sorted() == ["simkl"])
        let all = Self.keys.merging(["REELAY_SIMKL_METADATA": "true"]) { $1 }
        #expect(off(try await sources(all)).isEmpty)
        let some = all.merging(["REELAY_PROVIDERS_OFF": "tmdb,kitsu"]) { $1 }
        let reason = "It is switched off by REELAY_PROVIDERS_OFF."
        #expect(off(try await sources(some)) == ["tmdb": reason, "kitsu": reason])
        await #expect(throws: StartupError.self) { try await sources(["REELAY_PROVIDERS_OFF": "nobody"]) }
    }

    @Test("half of what Letterboxd needs is not enough")
    func half() async throws {
        #expect(off(try await sources(["REELAY_LETTERBOXD_CLIENT_ID": "e"])).keys.contains("letterboxd"))
    }
}
