internal import Cryptography
internal import Postgres
package import Runtime
package import Store

/// The database of a service for a command that an administrator gives at the machine. It uses the service's settings
/// and takes the schema as it is, without migrating.
package enum CommandDatabase {
    /// Runs `work` and closes the database. Throws `resource` if the database cannot be used.
    package static func use<Answer: Sendable>(
        _ values: ConfigValues, schema: String, _ work: (Database) async throws(StoreError) -> Answer
    ) async throws(StartupError) -> Answer {
        let pool: PGPool
        do throws(PGError) {
            var configuration = try PGConfiguration(
                url: values[SharedKeys.databaseURL].revealed, applicationName: "reelay-\(schema)-command",
                schema: schema)
            if let password = values[SharedKeys.databasePassword] { configuration.usePassword(password.revealed) }
            pool = try PGPool(configuration)
        } catch {
            throw .setting(SharedKeys.databaseURL.name, error.message)
        }
        let outcome: Result<Answer, StoreError>
        do throws(StoreError) {
            outcome = .success(try await work(Database(pool: pool)))
        } catch {
            outcome = .failure(error)
        }
        await pool.shutDown()
        do throws(StoreError) {
            return try outcome.get()
        } catch {
            throw .resource("database", "\(error)")
        }
    }
}
