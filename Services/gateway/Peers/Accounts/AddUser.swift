internal import Assembly
internal import Contracts
internal import Cryptography
internal import JSON
internal import Postgres
internal import Runtime
internal import Store

/// The command `add-user NAME`: makes an account whatever `REELAY_REGISTRATION` says, and prints its password, which nobody
/// chose. The very first person becomes the administrator, as everywhere.
enum AddUser {
    private static let timeout = Duration.seconds(30)

    private enum Outcome: Sendable {
        case made
        case taken
    }

    static let command = ServiceCommand(
        "add-user", argument: "NAME", "makes an account, prints its password"
    ) { (values, name) async throws(StartupError) in
        let password = try await GivenPassword.make()
        // The contract says what a name may be.
        do throws(JSONError) {
            _ = try decodeJSON(
                Registration.self, from: encodeJSON(Registration(username: name, password: password.text)))
        } catch {
            throw .resource(name, "\(error)")
        }
        let outcome = try await CommandDatabase.use(values, schema: "gateway") { database throws(StoreError) in
            try await add(Username(name), password.hash, GatewayStore(database: database))
        }
        guard case .made = outcome else { throw .resource(name, "somebody has this user name") }
        return password.text + "\n"
    }

    private static func add(
        _ name: Username, _ hash: String, _ store: GatewayStore
    ) async throws(StoreError) -> Outcome {
        do throws(StoreError) {
            try await store.add(
                name, UserID(SystemIDSource().next()), hash, at: SystemWallClock().now,
                until: .now.advanced(by: timeout))
            return .made
        } catch .conflict(constraint: "users_username_key_key") {
            return .taken
        }
    }
}
