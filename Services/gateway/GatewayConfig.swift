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
        "REELAY_REGISTRATION", of: RegistrationPolicy.allCases.map(\.rawValue),
        default: RegistrationPolicy.first.rawValue,
        "Who may make an account beside the first person, who becomes the administrator: nobody (first), who shows an invitation, or everybody."
    )
    private static let proxies = ConfigKey<[String]>.list(
        "REELAY_TRUSTED_PROXIES", form: "addresses and ranges such as 10.0.0.0/8, separated by commas",
        "Proxies in front of the gateway whose X-Forwarded-For is believed; without it a proxy's address counts as the client's.",
        accepts: { NetworkRange($0) != nil })

    private static let internalPort = ConfigKey<Int>.port(
        "REELAY_INTERNAL_PORT", default: 7_100,
        "Port on which the gateway answers `rpc.discover` and `health.check`, as the other services do on theirs.")

    package static let definition = ServiceDefinition(
        name: "gateway", portDefault: 8_080,
        keys: ServiceAssembly.keys + [
            SharedKeys.metadataAddress.definition, SharedKeys.ratingsAddress.definition,
            SharedKeys.scrobbleAddress.definition, origins.definition, registration.definition,
            proxies.definition,
            internalPort.definition,
        ], commands: [ResetPassword.command]
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let metadata = try assembly.client("metadata", at: SharedKeys.metadataAddress)
        let ratings = try assembly.client("ratings", at: SharedKeys.ratingsAddress)
        let scrobble = try assembly.client("scrobble", at: SharedKeys.scrobbleAddress)
        let database = try await assembly.database(schema: "gateway", migrations: migrations)
        let store = GatewayStore(database: database)
        let accounts = Accounts(
            store: store, hasher: PasswordHasher(), clock: SystemWallClock(), ids: SystemIDSource(),
            registration: RegistrationPolicy(rawValue: values[registration]) ?? .first)
        let clients = GatewayClients(
            metadata: MetadataClient(metadata), ratings: RatingsClient(ratings), scrobble: ScrobbleClient(scrobble))
        let erasure = AccountErasure(
            store: store,
            keepers: [clients.ratings, clients.scrobble], logger: runtime.logger)
        let events = EventRelay(scrobble: clients.scrobble, logger: runtime.logger)
        let service = GatewayService(
            clients: clients, metadata: MetadataClient(metadata), accounts: accounts,
            once: OnceStore(database: database, secret: values[SharedKeys.serviceSecret]), erasure: erasure,
            events: events)
        // Streams end before the listener waits for them.
        assembly.add(.running("events", phase: .claiming, { await events.run() }, stop: { events.drain() }))
        let upkeep = AccountUpkeep(accounts: accounts, logger: runtime.logger)
        assembly.add(
            .running("account upkeep", phase: .flushing, { await upkeep.run() }, stop: { await upkeep.flush() }))
        assembly.add(.running("account erasure", phase: .background, { await erasure.run() }))
        let edge = EdgeServer(
            routes: GatewayRoutes.all(service) + [CallbackPage.route], cors: CORSPolicy(origins: values[origins]),
            proxies: TrustedProxies(values[proxies].compactMap(NetworkRange.init)), host: runtime.host,
            port: runtime.port,
            group: runtime.group, logger: runtime.logger,
            authenticate: { (token, deadline) async throws(RPCError) in
                try await accounts.caller(of: token, until: deadline)
            }, observe: EdgeTelemetry(logger: runtime.logger).observe)
        var router = RPCRouter()
        router.describe(GatewayDocument.openRPC)
        try await assembly.listen(router, port: values[internalPort])
        assembly.add(
            .draining("public listener", phase: .serving, stopLimit: .seconds(21)) { begun in
                try await edge.run { port in
                    runtime.logger.notice("listening", metadata: ["host": "\(runtime.host)", "port": "\(port)"])
                    begun()
                }
            })
        return assembly.components
    }

    static let migrations = [
        Migration(1, "accounts", sql: PackageResources._001_accounts_sql),
        Migration(2, "identity", sql: PackageResources._002_identity_sql),
    ]
}
