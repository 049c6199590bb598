internal import Assembly
internal import Contracts
internal import Cryptography
internal import Postgres
internal import RPC
package import Runtime
internal import Store

/// Every setting of the ratings service, and what it is built from.
extension RatingsService {
    package static let definition = ServiceDefinition(
        name: "ratings", portDefault: 7_102, keys: ServiceAssembly.keys
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let database = try await assembly.database(schema: "ratings", migrations: migrations)
        let service = RatingsService(store: RatingsStore(database: database), clock: SystemWallClock())
        var router = RPCRouter()
        RatingsRoutes.register(service, on: &router)
        try await assembly.listen(router)
        return assembly.components
    }

    static let migrations = [
        Migration(1, "user_ratings", sql: PackageResources._001_user_ratings_sql)
    ]
}
