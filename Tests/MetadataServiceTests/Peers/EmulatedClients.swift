import AsyncHTTPClient
import Cryptography
import MetadataService
import UpstreamEmulators

/// Both clients beside the emulators that they ask.
struct EmulatedClients: Sendable {
    static let now: Int64 = 1_795_369_449_000
    let upstreams: RunningUpstreams
    let tmdb: TMDbClient
    let omdb: OMDbClient

    private init(_ upstreams: RunningUpstreams, _ client: HTTPClient, limits: ProviderLimits, keys: (String, String)) {
        let http = ProviderHTTP(client: client, limits: limits, userAgent: "Reelay/test")
        self.upstreams = upstreams
        tmdb = TMDbClient(
            settings: TMDbSettings(url: upstreams.url(.tmdb), key: Secret(keys.0)), http: http,
            nowMilliseconds: { Self.now })
        omdb = OMDbClient(
            settings: OMDbSettings(url: upstreams.url(.omdb), key: Secret(keys.1)), http: http,
            nowMilliseconds: { Self.now })
    }

    /// Runs emulators in this process while `body` runs.
    static func run(
        limits: ProviderLimits = .standard, tmdbKey: String = TMDbEmulator.accessToken,
        omdbKey: String = OMDbEmulator.apiKey, _ body: @escaping @Sendable (EmulatedClients) async throws -> Void
    ) async throws {
        try await RunningUpstreams.run { upstreams in
            let client = HTTPClient(configuration: ProviderHTTP.configuration())
            do {
                try await body(EmulatedClients(upstreams, client, limits: limits, keys: (tmdbKey, omdbKey)))
            } catch {
                try await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }

    func add(_ fault: Fault) { _ = upstreams.server.desk.add(fault) }

    /// Paths and queries that one provider received, in order.
    func asked(_ name: UpstreamName) -> [UpstreamRequest] {
        upstreams.server.desk.book(provider: name).entries.map(\.request)
    }
}
