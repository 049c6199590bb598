internal import Contracts
internal import Cryptography
internal import Postgres
internal import Runtime
internal import Store

/// The command `reset-password NAME`: for who has lost the password and can reach the machine. Sets one that nobody chose,
/// ends every session of the person, and prints it.
enum ResetPassword {
    /// Random bytes of the new password: 120 bits, 20 characters.
    private static let passwordBytes = 15
    private static let timeout = Duration.seconds(30)

    static let command = ServiceCommand(
        "reset-password", argument: "NAME", "sets a new password for a person, ends their sessions, prints it"
    ) { (values, name) async throws(StartupError) in
        let pool: PGPool
        do throws(PGError) {
            var configuration = try PGConfiguration(
                url: values[SharedKeys.databaseURL].revealed, applicationName: "reelay-gateway-command",
                schema: "gateway")
            if let password = values[SharedKeys.databasePassword] { configuration.usePassword(password.revealed) }
            pool = try PGPool(configuration)
        } catch {
            throw .setting(SharedKeys.databaseURL.name, error.message)
        }
        let password = Base64.encodeURL(RandomBytes.make(passwordBytes))
        let outcome = await reset(name, to: password, GatewayStore(database: Database(pool: pool)))
        await pool.shutDown()
        guard try outcome.get() else { throw .resource(name, "nobody has this user name") }
        return password + "\n"
    }

    private static func reset(
        _ name: String, to password: String, _ store: GatewayStore
    ) async -> Result<Bool, StartupError> {
        do {
            let hash = try await PasswordHasher().hash(Secret(password))
            let found = try await store.resetPassword(of: name, to: hash, until: .now.advanced(by: timeout))
            return .success(found != nil)
        } catch {
            return .failure(.resource("database", "\(error)"))
        }
    }
}
