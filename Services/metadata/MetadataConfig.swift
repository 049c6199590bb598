internal import Assembly
internal import AsyncHTTPClient
internal import Contracts
internal import Postgres
internal import RPC
package import Runtime
internal import Store

/// Every setting of the metadata service, and what it is built from.
extension MetadataService {
    package static let definition = ServiceDefinition(
        name: "metadata", portDefault: 7_101,
        keys: ServiceAssembly.keys + ProviderRoster.keys
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let database = try await assembly.database(schema: "metadata", migrations: migrations)
        let client = HTTPClient(eventLoopGroup: runtime.group, configuration: ProviderHTTP.configuration())
        assembly.add(.stopping("outbound http", phase: .resources) { try? await client.shutdown() })
        let clock = SystemWallClock()
        let providers = ProviderRoster.panel(values, now: { clock.now.microsecondsSinceEpoch / 1_000 }) { _ in
            ProviderHTTP(client: client, userAgent: "Reelay/\(runtime.version)")
        }
        let service = MetadataService(
            store: MetadataStore(database: database), providers: providers, clock: clock, ids: SystemIDSource())
        var router = RPCRouter()
        MetadataRoutes.register(service, on: &router)
        try await assembly.listen(router)
        return assembly.components
    }

    static let migrations = [Migration(1, "titles", sql: PackageResources._001_titles_sql)]
}
