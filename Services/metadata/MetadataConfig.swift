internal import Assembly
internal import AsyncHTTPClient
internal import Contracts
internal import CoreMetrics
internal import Outbound
internal import Postgres
internal import RPC
package import Runtime
internal import Store

/// The settings of the metadata service, and its assembly from them.
extension MetadataService {
    private static let pace = ConfigKey<Int>.integer(
        "REELAY_PROVIDER_PACE_PERCENT", default: 100, in: 1...100_000,
        "Rate of calls to providers, as a percentage of each one's own rate; above 100 only for emulated providers."
    )
    private static let calls = ConfigKey<Int>.integer(
        "REELAY_PROVIDER_CALLS_PER_SECOND", default: 0, in: 0...1_000_000,
        "Calls a second to every provider, 16 at once; 0 keeps each one's own rate. Only for emulated providers.")
    private static let refreshes = ConfigKey<Bool>.flag(
        "REELAY_REFRESH", default: true,
        "Whether titles with outdated scores are refreshed in the background; refreshing by hand does not depend on this."
    )

    package static let definition = ServiceDefinition(
        name: "metadata", portDefault: 7_101,
        keys: ServiceAssembly.keys + ProviderRoster.keys + [
            pace.definition, calls.definition, refreshes.definition, OutboundGuard.networks.definition,
        ]
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let database = try await assembly.database(schema: "metadata", migrations: migrations)
        var outbound = ProviderHTTP.configuration()
        try OutboundGuard(values, runtime).protect(&outbound)
        let client = HTTPClient(eventLoopGroup: runtime.group, configuration: outbound)
        assembly.add(.stopping("outbound http", phase: .resources) { try? await client.shutdown() })
        let clock = await assembly.clock(of: database)
        let store = MetadataStore(database: database)
        // A key may have been changed since a provider refused it.
        try? await store.forgetKeys(until: .now + .seconds(10))
        let gates = Dictionary(
            uniqueKeysWithValues: ProviderID.allCases.map { provider in
                let own = ProviderProfile.of(provider)
                let profile = values[calls] > 0 ? own.paced(callsPerSecond: values[calls]) : own
                return (provider, SharedGate(profile, store: store, clock: clock, pacePercent: values[pace]))
            })
        let providers = ProviderRoster.panel(
            values, gates: gates, now: { clock.now.microsecondsSinceEpoch / 1_000 }
        ) { provider in
            ProviderHTTP(
                client: client, userAgent: "Reelay/\(runtime.version)", gate: gates[provider],
                calls: ProviderCalls(provider, factory: MetricsSystem.factory),
                shelf: StoredShelf(provider: provider, store: store))
        }
        let enricher = Enricher(store: store, providers: providers, clock: clock, ids: SystemIDSource(clock: clock))
        let demand = DemandBook(clock: clock)
        let worker = RefreshWorker(enricher: enricher, demand: demand, logger: runtime.logger)
        assembly.add(.stopping("demand", phase: .flushing) { await worker.flush() })
        if values[refreshes] { assembly.add(.running("refresh", phase: .background) { await worker.run() }) }
        var router = RPCRouter()
        MetadataRoutes.register(MetadataService(enricher: enricher, demand: demand), on: &router)
        try await assembly.listen(router)
        return assembly.components
    }

    static let migrations = [
        Migration(1, "titles", sql: PackageResources._001_titles_sql),
        Migration(2, "engine", sql: PackageResources._002_engine_sql),
        Migration(3, "entries", sql: PackageResources._003_entries_sql),
        Migration(4, "title_versions", sql: PackageResources._004_title_versions_sql),
    ]
}
