package import Postgres

extension TestDatabase {
    /// Runs `body` with a service's migrated schema and one pool for each of `count` replicas of the service.
    package static func withReplicas<Value>(
        _ count: Int, migrations: [Migration], _ body: ([PGPool]) async throws -> Value
    ) async throws -> Value {
        try await withSchema("replicas") { database in
            let pools = try (0..<count).map { _ in try PGPool(database.configuration()) }
            let outcome: Result<Value, any Error>
            do {
                for pool in pools {
                    _ = try await Migrator(pool, schema: database.schema, migrations: migrations)
                        .run(deadline: .now.advanced(by: .seconds(60)))
                }
                outcome = .success(try await body(pools))
            } catch {
                outcome = .failure(error)
            }
            for pool in pools { await pool.shutDown() }
            return try outcome.get()
        }
    }
}
