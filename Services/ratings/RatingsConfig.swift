internal import Assembly
internal import Contracts
internal import Cryptography
internal import Logging
internal import Postgres
internal import RPC
package import Runtime
internal import Store

/// The ratings service's settings, and how it is assembled.
extension RatingsService {
    package static let definition = ServiceDefinition(
        name: "ratings", portDefault: 7_102, keys: ServiceAssembly.keys
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let database = try await assembly.database(schema: "ratings", migrations: migrations)
        let store = RatingsStore(database: database)
        let clock = await assembly.clock(of: database)
        let service = RatingsService(store: store, clock: clock)
        var router = RPCRouter()
        RatingsRoutes.register(service, on: &router)
        try await assembly.listen(router)
        let logger = runtime.logger
        assembly.add(
            .running("expired keys", phase: .background) {
                while true {
                    try await Task.sleep(for: RatingsLimits.keySweepInterval)
                    do throws(StoreError) {
                        try await store.forgetKeys(at: clock.now)
                    } catch {
                        logger.warning("failed to remove expired keys", metadata: ["cause": "\(error)"])
                    }
                }
            })
        return assembly.components
    }

    static let migrations = [
        Migration(1, "user_ratings", sql: PackageResources._001_user_ratings_sql),
        Migration(2, "history_and_aggregates", sql: PackageResources._002_history_and_aggregates_sql),
        Migration(3, "undone_ratings", sql: PackageResources._003_undone_ratings_sql),
        Migration(4, "requests_by_place", sql: PackageResources._004_requests_by_place_sql),
        Migration(5, "moves_among_writers", sql: PackageResources._005_moves_among_writers_sql),
        Migration(6, "refused_repeats", sql: PackageResources._006_refused_repeats_sql),
    ]
}
