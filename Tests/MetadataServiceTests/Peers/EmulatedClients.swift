import AsyncHTTPClient
import Cryptography
import MetadataService
import Runtime
import Synchronization
import UpstreamEmulators

/// The clients of all providers, and the emulators that they call.
struct EmulatedClients: Sendable {
    static let now: Int64 = 1_795_369_449_000
    /// Keys that the emulators accept, unless a test passes others.
    struct Keys: Sendable {
        var tmdb = TMDbEmulator.accessToken
        var omdb = OMDbEmulator.apiKey
        var tvdb = TVDbEmulator.apiKey
        var trakt = TraktEmulator.clientID
        var letterboxd = LetterboxdEmulator.clientSecret
        var simkl = SimklEmulator.clientID
        var anidb = "\(AniDBEmulator.client)/\(AniDBEmulator.clientVersion)"
        var myanimelist = MyAnimeListEmulator.clientID
    }

    let upstreams: RunningUpstreams
    let clock: TestMilliseconds
    let metrics: MetricsRegistry
    let tmdb: TMDbClient
    let omdb: OMDbClient
    let tvdb: TVDbClient
    let tvmaze: TVmazeClient
    let trakt: TraktClient
    let letterboxd: LetterboxdClient
    let simkl: SimklClient
    let anilist: AniListClient
    let anidb: AniDBClient
    let myanimelist: MyAnimeListClient
    let kitsu: KitsuClient

    private init(_ upstreams: RunningUpstreams, _ client: HTTPClient, limits: ProviderLimits, keys: Keys) {
        let metrics = MetricsRegistry()
        func http(_ provider: ProviderID) -> ProviderHTTP {
            ProviderHTTP(
                client: client, limits: limits, userAgent: "Reelay/test",
                calls: ProviderCalls(provider, factory: metrics))
        }
        let clock = TestMilliseconds(Self.now)
        let now: @Sendable () -> Int64 = { clock.now }
        let url = upstreams.url
        self.upstreams = upstreams
        self.clock = clock
        self.metrics = metrics
        tmdb = TMDbClient(
            settings: TMDbSettings(url: url(.tmdb), key: Secret(keys.tmdb)), http: http(.tmdb), nowMilliseconds: now)
        omdb = OMDbClient(
            settings: OMDbSettings(url: url(.omdb), key: Secret(keys.omdb)), http: http(.omdb), nowMilliseconds: now)
        tvdb = TVDbClient(
            settings: TVDbSettings(url: url(.tvdb), key: Secret(keys.tvdb)), http: http(.tvdb), nowMilliseconds: now)
        tvmaze = TVmazeClient(url: url(.tvmaze), http: http(.tvmaze), nowMilliseconds: now)
        trakt = TraktClient(
            settings: TraktSettings(url: url(.trakt), clientID: Secret(keys.trakt)), http: http(.trakt),
            nowMilliseconds: now)
        letterboxd = LetterboxdClient(
            settings: LetterboxdSettings(
                url: url(.letterboxd), clientID: Secret(LetterboxdEmulator.clientID),
                clientSecret: Secret(keys.letterboxd)), http: http(.letterboxd), nowMilliseconds: now)
        simkl = SimklClient(
            settings: SimklSettings(url: url(.simkl), clientID: Secret(keys.simkl)), http: http(.simkl),
            nowMilliseconds: now)
        anilist = AniListClient(url: url(.anilist), http: http(.anilist), nowMilliseconds: now)
        anidb = AniDBClient(
            settings: AniDBSettings(url: url(.anidb), client: Secret(keys.anidb)), http: http(.anidb),
            nowMilliseconds: now)
        myanimelist = MyAnimeListClient(
            settings: MyAnimeListSettings(url: url(.myanimelist), clientID: Secret(keys.myanimelist)),
            http: http(.myanimelist),
            nowMilliseconds: now)
        kitsu = KitsuClient(url: url(.kitsu), http: http(.kitsu), nowMilliseconds: now)
    }

    /// All clients, in the fixed order of providers.
    var all: [any ProviderClient] {
        [tmdb, tvdb, tvmaze, omdb, trakt, letterboxd, simkl, anilist, anidb, myanimelist, kitsu]
    }

    /// Runs emulators in this process while `body` runs.
    static func run(
        limits: ProviderLimits = .standard, keys: Keys = Keys(),
        _ body: @escaping @Sendable (EmulatedClients) async throws -> Void
    ) async throws {
        try await RunningUpstreams.run { upstreams in
            try await with(upstreams, limits: limits, keys: keys, body)
        }
    }

    /// Passes clients of running emulators to `body`.
    static func with(
        _ upstreams: RunningUpstreams, limits: ProviderLimits = .standard, keys: Keys = Keys(),
        _ body: @Sendable (EmulatedClients) async throws -> Void
    ) async throws {
        let client = HTTPClient(configuration: ProviderHTTP.configuration())
        do {
            try await body(EmulatedClients(upstreams, client, limits: limits, keys: keys))
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
    }

    static func run(
        limits: ProviderLimits = .standard, tmdbKey: String = TMDbEmulator.accessToken,
        omdbKey: String = OMDbEmulator.apiKey, _ body: @escaping @Sendable (EmulatedClients) async throws -> Void
    ) async throws {
        try await run(limits: limits, keys: Keys(tmdb: tmdbKey, omdb: omdbKey), body)
    }

    func add(_ fault: Fault) { _ = upstreams.server.desk.add(fault) }

    /// The number of calls to one provider by outcome, as reported by `/metrics`.
    func counted(_ provider: ProviderID) -> [String: Int] {
        let lines = String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n").filter {
            $0.hasPrefix("provider_calls_total{") && $0.contains("provider=\"\(provider.rawValue)\"")
        }
        return lines.reduce(into: [:]) { counts, line in
            let outcome = line.split(separator: "outcome=\"").last?.prefix { $0 != "\"" } ?? ""
            counts[String(outcome)] = line.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) }
        }
    }

    /// The requests that one provider received, in order.
    func asked(_ name: UpstreamName) -> [UpstreamRequest] {
        upstreams.server.desk.book(provider: name).entries.map(\.request)
    }
}

/// A wall clock that a test moves.
final class TestMilliseconds: Sendable {
    private let value: Mutex<Int64>

    init(_ start: Int64) { value = Mutex(start) }

    var now: Int64 { value.withLock { $0 } }

    func advance(by milliseconds: Int64) { value.withLock { $0 += milliseconds } }
}
