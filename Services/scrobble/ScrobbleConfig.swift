internal import Assembly
internal import Contracts
internal import Cryptography
package import Postgres
internal import RPC
package import Runtime
internal import Store

/// Every setting of the scrobble service, and what it is built from.
extension ScrobbleService {
    package static let definition = ServiceDefinition(
        name: "scrobble", portDefault: 7_103, keys: ServiceAssembly.keys + [SharedKeys.metadataAddress.definition]
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let metadata = try assembly.client("metadata", at: SharedKeys.metadataAddress)
        let database = try await assembly.database(schema: "scrobble", migrations: migrations)
        let service = ScrobbleService(
            store: ScrobbleStore(database: database), titles: TitleLookup(metadata: MetadataClient(metadata)),
            clock: SystemWallClock(), ids: SystemIDSource())
        var router = RPCRouter()
        ScrobbleRoutes.register(service, on: &router)
        try await assembly.listen(router)
        return assembly.components
    }

    package static let migrations = [
        Migration(1, "plays", sql: PackageResources._001_plays_sql),
        Migration(2, "deleted_people", sql: PackageResources._002_deleted_people_sql),
        Migration(3, "queue", sql: PackageResources._003_queue_sql),
    ]
}
