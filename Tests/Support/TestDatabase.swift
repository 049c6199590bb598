internal import Glibc
package import Postgres

/// A Postgres schema that lives as long as one test or suite.
///
/// The server is named by `REELAY_TEST_DATABASE_URL`, whose role must be able to create schemas.
package struct TestDatabase: Sendable {
    package struct Missing: Error, CustomStringConvertible {
        package let description =
            "REELAY_TEST_DATABASE_URL is not set: it names the Postgres that tests may use, "
            + "such as postgres://user@127.0.0.1:5432/reelay_test"
    }

    package let url: String
    package let schema: String

    /// The URL of the test server; throws `Missing`, which says what to do.
    package static func serverURL() throws -> String {
        guard let value = getenv("REELAY_TEST_DATABASE_URL") else { throw Missing() }
        return String(cString: value)
    }

    /// A configuration for sessions in this schema.
    package func configuration(
        limits: PGLimits = PGLimits(), applicationName: String? = nil
    ) throws -> PGConfiguration {
        try PGConfiguration(url: url, applicationName: applicationName ?? schema, schema: schema, limits: limits)
    }

    /// Creates a separate schema, runs `body`, and drops the schema in any case; on the test server, or on the one at
    /// `other`.
    package static func withSchema<Value>(
        _ name: String = "test", on other: String? = nil, _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        let url = try other ?? serverURL()
        var generator = SystemRandomNumberGenerator()
        let schema = "\(name)_\(String(generator.next(), radix: 36))"
        let database = TestDatabase(url: url, schema: schema)
        var limits = PGLimits()
        limits.connectionsMin = 0
        let owner = try PGPool(PGConfiguration(url: url, applicationName: "tests", limits: limits))
        try await owner.execute(PGCommand("tests.create", "CREATE SCHEMA \(schema)", kind: .solo))
        let outcome: Result<Value, any Error>
        do { outcome = .success(try await body(database)) } catch { outcome = .failure(error) }
        try await owner.execute(PGCommand("tests.drop", "DROP SCHEMA \(schema) CASCADE", kind: .solo))
        await owner.shutDown()
        return try outcome.get()
    }

    /// Does the same with a pool in that schema, shut down before the schema is dropped.
    package static func withPool<Value>(
        _ name: String = "test", on other: String? = nil, limits: PGLimits = PGLimits(),
        observe: (@Sendable (PGObservation) -> Void)? = nil, _ body: (PGPool) async throws -> Value
    ) async throws -> Value {
        try await withSchema(name, on: other) { database in
            let pool = try PGPool(database.configuration(limits: limits), observe: observe)
            let outcome: Result<Value, any Error>
            do { outcome = .success(try await body(pool)) } catch { outcome = .failure(error) }
            await pool.shutDown()
            return try outcome.get()
        }
    }
}

extension TestDatabase {
    /// A configuration for sessions in this schema that connect through `relay`.
    package func configuration(
        through relay: TCPRelay, limits: PGLimits = PGLimits()
    ) throws -> PGConfiguration {
        let separator = url.contains("?") ? "&" : "?"
        let relayed = url + separator + "host=127.0.0.1&port=\(relay.port)&sslmode=disable&gssencmode=disable"
        return try PGConfiguration(url: relayed, applicationName: schema, schema: schema, limits: limits)
    }

    /// The server's TCP port on this machine.
    package func serverPort(_ pool: PGPool) async throws -> UInt16 {
        let show = PGStatement("tests.port", "SELECT current_setting('port')") { row throws(PGError) in
            try row.next(String.self)
        }
        return try await pool.first(show).flatMap(UInt16.init) ?? 5432
    }
}
