internal import Assembly
internal import Contracts
internal import Cryptography
internal import Edge
internal import Logging
internal import Postgres
internal import RPC
package import Runtime
internal import Store

/// Every setting of the gateway, and what it is built from.
extension GatewayService {
    private static let origins = ConfigKey<[String]>.list(
        "REELAY_CORS_ORIGINS", form: "origins such as https://app.example, separated by commas",
        "Web pages that may call the API from a browser; none by default.",
        accepts: { $0.hasPrefix("https://") || $0.hasPrefix("http://") })
    private static let registration = ConfigKey<String>.choice(
        "REELAY_REGISTRATION", of: ["first", "open"], default: "first",
        "Who may make an account: only the first person, who becomes the administrator, or everybody.")

    private static let internalPort = ConfigKey<Int>.port(
        "REELAY_INTERNAL_PORT", default: 7_100,
        "Port on which the gateway answers `rpc.discover` and `health.check`, as the other services do on theirs.")

    package static let definition = ServiceDefinition(
        name: "gateway", portDefault: 8_080,
        keys: ServiceAssembly.keys + [
            SharedKeys.metadataAddress.definition, SharedKeys.ratingsAddress.definition,
            SharedKeys.scrobbleAddress.definition, origins.definition, registration.definition,
            internalPort.definition,
        ]
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let metadata = try assembly.client("metadata", at: SharedKeys.metadataAddress)
        let ratings = try assembly.client("ratings", at: SharedKeys.ratingsAddress)
        let scrobble = try assembly.client("scrobble", at: SharedKeys.scrobbleAddress)
        let database = try await assembly.database(schema: "gateway", migrations: migrations)
        let accounts = Accounts(
            store: GatewayStore(database: database), hasher: PasswordHasher(), clock: SystemWallClock(),
            ids: SystemIDSource(), isRegistrationOpen: values[registration] == "open")
        let service = GatewayService(
            clients: GatewayClients(
                metadata: MetadataClient(metadata), ratings: RatingsClient(ratings),
                scrobble: ScrobbleClient(scrobble)),
            metadata: MetadataClient(metadata), accounts: accounts)
        let edge = EdgeServer(
            routes: GatewayRoutes.all(service), cors: CORSPolicy(origins: values[origins]), host: runtime.host,
            port: runtime.port, group: runtime.group, logger: runtime.logger,
            authenticate: { (token, deadline) async throws(RPCError) in
                try await accounts.caller(of: token, until: deadline)
            }, observe: EdgeTelemetry(logger: runtime.logger).observe)
        var router = RPCRouter()
        router.describe(GatewayDocument.openRPC)
        try await assembly.listen(router, port: values[internalPort])
        assembly.add(
            .draining("public listener", phase: .serving, stopLimit: .seconds(21)) {
                try await edge.run { port in
                    runtime.logger.notice("listening", metadata: ["host": "\(runtime.host)", "port": "\(port)"])
                }
            })
        return assembly.components
    }

    static let migrations = [Migration(1, "accounts", sql: PackageResources._001_accounts_sql)]
}
