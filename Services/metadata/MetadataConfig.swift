internal import Assembly
internal import AsyncHTTPClient
internal import Contracts
internal import Cryptography
internal import Postgres
internal import RPC
package import Runtime
internal import Store

/// Every setting of the metadata service, and what it is built from.
extension MetadataService {
    private static let tmdbURL = ConfigKey<String>.url(
        "REELAY_TMDB_URL", default: "https://api.themoviedb.org/3", "Where TMDb is asked.")
    private static let tmdbKey = ConfigKey<Secret?>.optionalSecret(
        "REELAY_TMDB_API_KEY", "TMDb key (version 3) or read access token; without it TMDb is off.")
    private static let omdbURL = ConfigKey<String>.url(
        "REELAY_OMDB_URL", default: "https://www.omdbapi.com", "Where OMDb is asked.")
    private static let omdbKey = ConfigKey<Secret?>.optionalSecret(
        "REELAY_OMDB_API_KEY", "OMDb key; without it OMDb is off, and with it IMDb, Rotten Tomatoes and Metacritic.")

    package static let definition = ServiceDefinition(
        name: "metadata", portDefault: 7_101,
        keys: ServiceAssembly.keys + [
            tmdbURL.definition, tmdbKey.definition, omdbURL.definition, omdbKey.definition,
        ]
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let database = try await assembly.database(schema: "metadata", migrations: migrations)
        let client = HTTPClient(eventLoopGroup: runtime.group, configuration: ProviderHTTP.configuration())
        assembly.add(.stopping("outbound http", phase: .resources) { try? await client.shutdown() })
        let http = ProviderHTTP(client: client, userAgent: "Reelay/\(runtime.version)")
        let service = MetadataService(
            store: MetadataStore(database: database), providers: panel(values, http), clock: SystemWallClock(),
            ids: SystemIDSource())
        var router = RPCRouter()
        MetadataRoutes.register(service, on: &router)
        try await assembly.listen(router)
        return assembly.components
    }

    /// The providers that have what they need; the others are off, and every title says so.
    private static func panel(_ values: ConfigValues, _ http: ProviderHTTP) -> ProviderPanel {
        let now: @Sendable () -> Int64 = { SystemWallClock().now.microsecondsSinceEpoch / 1_000 }
        var clients: [any ProviderClient] = []
        var skipped: [ProviderID] = []
        let (tmdbURL, omdbURL) = (values[tmdbURL], values[omdbURL])
        if let key = values[tmdbKey] {
            clients.append(TMDbClient(settings: .init(url: tmdbURL, key: key), http: http, nowMilliseconds: now))
        } else {
            skipped.append(.tmdb)
        }
        if let key = values[omdbKey] {
            clients.append(OMDbClient(settings: .init(url: omdbURL, key: key), http: http, nowMilliseconds: now))
        } else {
            skipped.append(.omdb)
        }
        return ProviderPanel(clients: clients, skipped: skipped)
    }

    static let migrations = [Migration(1, "titles", sql: PackageResources._001_titles_sql)]
}
