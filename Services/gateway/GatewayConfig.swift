internal import Assembly
internal import AsyncHTTPClient
internal import Contracts
internal import CoreMetrics
internal import Cryptography
internal import Edge
internal import Logging
internal import Outbound
internal import Postgres
internal import RPC
package import Runtime
internal import Store

/// The gateway's settings and the components that it is assembled from.
extension GatewayService {
    private static let origins = ConfigKey<[String]>.list(
        "REELAY_CORS_ORIGINS", form: "origins such as https://app.example, separated by commas",
        "Origins of web pages that may call the API from a browser; none by default.",
        accepts: { $0.hasPrefix("https://") || $0.hasPrefix("http://") })
    private static let registration = ConfigKey<String>.choice(
        "REELAY_REGISTRATION", of: RegistrationPolicy.allCases.map(\.rawValue),
        default: RegistrationPolicy.first.rawValue,
        "Who may register after the first person, who becomes the administrator: nobody (first), people with an invitation (invite) or anybody (open)."
    )
    private static let secondFactor = ConfigKey<String>.choice(
        "REELAY_SECOND_FACTOR", of: SecondFactorPolicy.allCases.map(\.rawValue),
        default: SecondFactorPolicy.optional.rawValue,
        "Who needs a second factor (one-time codes from an app): nobody (optional) or everybody (required); people without one can then do little else than set it up."
    )
    private static let codeSeconds = ConfigKey<String>.choice(
        "REELAY_CODE_SECONDS", of: CodeLife.allCases.map(\.rawValue), default: CodeLife.neighbouringSteps.rawValue,
        "How many seconds a one-time code is accepted: those of its own step (30), which requires clocks that agree, or those of the steps before and after it too (90)."
    )
    private static let proxies = ConfigKey<[String]>.list(
        "REELAY_TRUSTED_PROXIES", form: "addresses and ranges such as 10.0.0.0/8, separated by commas",
        "Proxies in front of the gateway whose X-Forwarded-For is trusted; with any other proxy, its address counts as the client's.",
        accepts: { NetworkRange($0) != nil })

    private static let internalPort = ConfigKey<Int>.port(
        "REELAY_INTERNAL_PORT", default: 7_100,
        "Port where the gateway answers `rpc.discover` and `health.check`, as the other services do on theirs.")

    private static let personRate = ConfigKey<Int>.integer(
        "REELAY_PERSON_REQUESTS", default: 1_200, in: 0...10_000_000,
        "Requests that a person may make in 70 seconds, over all sessions and all copies of the gateway; 0 for no limit."
    )
    private static let keyRate = ConfigKey<Int>.integer(
        "REELAY_KEY_REQUESTS", default: 600, in: 0...10_000_000,
        "Requests that each API key may make in 70 seconds, besides those of its person; 0 for no limit.")
    private static let addressRate = ConfigKey<Int>.integer(
        "REELAY_ADDRESS_REQUESTS", default: 300, in: 0...10_000_000,
        "Requests without credentials, such as logins and hooks, from one network address in 70 seconds; 0 for no limit."
    )
    private static let certificate = ConfigKey<String?>.optionalText(
        "REELAY_PUBLIC_CERTIFICATE",
        "PEM file with the public certificate and its chain; with it the gateway speaks TLS, and HTTP/2 besides HTTP/1.1. The file is read again when it changes."
    )
    private static let certificateKey = ConfigKey<String?>.optionalText(
        "REELAY_PUBLIC_CERTIFICATE_KEY", "PEM file with the private key of `REELAY_PUBLIC_CERTIFICATE`.")

    private static let securesSubdomains = ConfigKey<Bool>.flag(
        "REELAY_HSTS_SUBDOMAINS", default: false,
        "Whether browsers that came over TLS shall use nothing else for names below the gateway's own either (includeSubDomains)."
    )

    private static let hookAddresses = ConfigKey<Bool>.flag(
        "REELAY_HOOK_ADDRESSES", default: true,
        "Whether media servers may send to addresses that end in the secret of a hook, as those must that can set no header field (Plex, Emby); otherwise the secret is taken in the header field Authorization alone."
    )

    private static let breachedPasswords = ConfigKey<Bool>.flag(
        "REELAY_BREACHED_PASSWORDS", default: true,
        "Whether new passwords are compared with those known from data breaches; of each the first five of the 40 digits of its SHA-1 are sent."
    )
    private static let breachedPasswordsURL = ConfigKey<String>.url(
        "REELAY_BREACHED_PASSWORDS_URL", default: "https://api.pwnedpasswords.com",
        "Where breached passwords are asked about: Pwned Passwords, or a service of your own with its range API.")

    package static let definition = ServiceDefinition(
        name: "gateway", portDefault: 8_080,
        keys: ServiceAssembly.keys + [
            SharedKeys.metadataAddress.definition, SharedKeys.ratingsAddress.definition,
            SharedKeys.scrobbleAddress.definition, origins.definition, registration.definition,
            secondFactor.definition, codeSeconds.definition, proxies.definition, internalPort.definition,
            personRate.definition, keyRate.definition, addressRate.definition, certificate.definition,
            certificateKey.definition, securesSubdomains.definition, breachedPasswords.definition,
            breachedPasswordsURL.definition, hookAddresses.definition, OutboundGuard.networks.definition,
        ],
        // Most of its work is in its loops; of Postgres it asks little.
        eventLoopsMax: { $0 }, commands: [AddUser.command, ResetPassword.command, RemoveSecondFactorOf.command]
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        // Faulty settings are reported before anything waits for the database.
        let outbound = try OutboundGuard(values, runtime)
        let identity = try Self.identity(values[certificate], values[certificateKey])
        let metadata = try assembly.client("metadata", at: SharedKeys.metadataAddress)
        let ratings = try assembly.client("ratings", at: SharedKeys.ratingsAddress)
        let scrobble = try assembly.client("scrobble", at: SharedKeys.scrobbleAddress)
        let database = try await assembly.database(schema: "gateway", migrations: migrations)
        let store = GatewayStore(database: database)
        let clock = await assembly.clock(of: database)
        let breaches = Self.breaches(values, runtime, assembly, through: outbound)
        let accounts = Accounts(
            store: store, hasher: PasswordHasher(), clock: clock, ids: SystemIDSource(clock: clock),
            registration: RegistrationPolicy(rawValue: values[registration]) ?? .first,
            secret: values[SharedKeys.serviceSecret],
            secondFactor: SecondFactorPolicy(rawValue: values[secondFactor]) ?? .required,
            codeLife: CodeLife(rawValue: values[codeSeconds]) ?? .ownStep, breaches: breaches)
        let clients = GatewayClients(
            metadata: MetadataClient(metadata), ratings: RatingsClient(ToldMerges(ratings, now: { .now })),
            scrobble: ScrobbleClient(scrobble))
        let erasure = AccountErasure(
            store: store,
            keepers: [clients.ratings, clients.scrobble], logger: runtime.logger)
        let events = EventRelay(scrobble: clients.scrobble, accounts: accounts, logger: runtime.logger)
        let once = OnceStore(database: database, secret: values[SharedKeys.serviceSecret])
        let service = GatewayService(
            clients: clients, metadata: MetadataClient(metadata), accounts: accounts, once: once, erasure: erasure,
            events: events, takesHookAddresses: values[hookAddresses],
            dataVersion: { await database.version(until: $0) })
        // Streams must end before the listener waits for them.
        assembly.add(.running("events", phase: .claiming, { await events.run() }, stop: { events.drain() }))
        let upkeep = AccountUpkeep(accounts: accounts, logger: runtime.logger)
        assembly.add(
            .running("account upkeep", phase: .flushing, { await upkeep.run() }, stop: { await upkeep.flush() }))
        await upkeep.resealFactors()
        let learntAt = await upkeep.learnTokens()
        assembly.add(.running("known tokens", phase: .background, { await upkeep.followTokens(since: learntAt) }))
        assembly.add(.running("account erasure", phase: .background, { await erasure.run() }))
        let policy = RatePolicy(person: values[personRate], key: values[keyRate], address: values[addressRate])
        let limiter = RateLimiter(policy: policy) { (subject, ask, deadline) async throws(RPCError) in
            try await asking { () throws(StoreError) in try await store.lease(ask, for: subject, until: deadline) }
        }
        if let identity {
            assembly.add(
                .running("certificate", phase: .background, { await identity.run(logger: runtime.logger) }))
        }
        let log = AuditLog(logger: runtime.logger, secret: values[SharedKeys.serviceSecret])
        let audit = OperationAudit(log: log)
        let digests = PersonDigests { log.person($0.description) }
        let telemetry = EdgeTelemetry(
            logger: runtime.logger, exporter: runtime.exporter, now: { WallTime.nanoseconds() },
            digest: { digests.of($0) })
        let edge = EdgeServer(
            routes: GatewayRoutes.all(service).map { $0.watched(by: audit) } + CallbackPage.routes + [
                ReferencePage.route
            ],
            cors: CORSPolicy(origins: values[origins]),
            proxies: TrustedProxies(values[proxies].compactMap(NetworkRange.init)), limiter: limiter,
            certificate: identity, securesSubdomains: values[securesSubdomains], conditions: once, host: runtime.host,
            port: runtime.port, group: runtime.group, logger: runtime.logger,
            authenticate: { accounts.credentials($0) },
            observe: telemetry.observe, turnedAway: telemetry.turnedAway, waited: telemetry.waited)
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

    /// The questions about breached passwords; nil if the settings turn them off.
    private static func breaches(
        _ values: ConfigValues, _ runtime: ServiceRuntime, _ assembly: ServiceAssembly, through outbound: OutboundGuard
    ) -> BreachedPasswords? {
        guard values[breachedPasswords] else { return nil }
        var configuration = BreachedPasswords.configuration()
        outbound.protect(&configuration)
        let client = HTTPClient(eventLoopGroup: runtime.group, configuration: configuration)
        assembly.add(.stopping("outbound http", phase: .resources) { try? await client.shutdown() })
        return BreachedPasswords(
            url: values[breachedPasswordsURL], userAgent: "Reelay/\(runtime.version)", client: client,
            logger: runtime.logger, factory: MetricsSystem.factory)
    }

    /// The certificate of the public side; nil if the settings name none.
    private static func identity(
        _ certificate: String?, _ key: String?
    ) throws(StartupError) -> EdgeCertificate? {
        guard certificate != nil || key != nil else { return nil }
        guard let certificate else { throw .setting(Self.certificate.name, "is required together with its key") }
        guard let key else { throw .setting(certificateKey.name, "is required together with the certificate") }
        do {
            return try EdgeCertificate(certificate: certificate, key: key)
        } catch {
            throw .setting(Self.certificate.name, error.description)
        }
    }

    static let migrations = [
        Migration(1, "accounts", sql: PackageResources._001_accounts_sql),
        Migration(2, "identity", sql: PackageResources._002_identity_sql),
        Migration(3, "rates", sql: PackageResources._003_rates_sql),
        Migration(4, "refreshes_told_again", sql: PackageResources._004_refreshes_told_again_sql),
        Migration(5, "known_tokens", sql: PackageResources._005_known_tokens_sql),
        Migration(6, "refresh_lines", sql: PackageResources._006_refresh_lines_sql),
        Migration(7, "known_networks_end", sql: PackageResources._007_known_networks_end_sql),
        Migration(8, "given_passwords", sql: PackageResources._008_given_passwords_sql),
        Migration(9, "second_factors", sql: PackageResources._009_second_factors_sql),
        Migration(10, "wrong_codes", sql: PackageResources._010_wrong_codes_sql),
    ]
}
