internal import Assembly
internal import Contracts
internal import Cryptography
internal import JSON
internal import Postgres
internal import Runtime
internal import Store

/// The command `add-user NAME`: makes an account whatever `REELAY_REGISTRATION` says, and prints its random password,
/// which must be changed. The very first person becomes the administrator, as always.
enum AddUser {
    private static let timeout = Duration.seconds(30)

    private enum Outcome: Sendable {
        case made
        case taken
    }

    static let command = ServiceCommand(
        "add-user", argument: "NAME", "creates an account and prints its password, which must be changed within a day"
    ) { (values, name) async throws(StartupError) in
        try await AuditLog.command("add-user", values) { (event) async throws(StartupError) in
            let password = try await GivenPassword.make()
            // The contract defines which names are valid.
            do throws(JSONError) {
                _ = try decodeJSON(
                    Registration.self, from: encodeJSON(Registration(username: name, password: password.text)))
            } catch {
                throw .resource(name, "\(error)")
            }
            event.username = Username(name).key
            let id = UserID(SystemIDSource().next())
            let outcome = try await CommandDatabase.use(values, schema: "gateway") { database throws(StoreError) in
                try await add(Username(name), id, password.hash, GatewayStore(database: database))
            }
            guard case .made = outcome else { throw .resource(name, "another user has this name") }
            event.person = id.description
            return password.text + "\n"
        }
    }

    private static func add(
        _ name: Username, _ id: UserID, _ hash: String, _ store: GatewayStore
    ) async throws(StoreError) -> Outcome {
        do throws(StoreError) {
            try await store.add(
                name, id, hash, at: SystemWallClock().now, limits: GatewayLimits(), until: .now.advanced(by: timeout))
            return .made
        } catch .conflict(constraint: "users_username_key_key") {
            return .taken
        }
    }
}
