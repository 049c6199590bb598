internal import Assembly
internal import Contracts
internal import Cryptography
internal import Runtime
internal import Store

/// The command `reset-password NAME`: for people who have lost their password, or whose account others got into, and
/// who can reach the machine. Sets a random password that must be changed, ends all of the person's sessions, revokes
/// all of their keys, and prints the password.
enum ResetPassword {
    private static let timeout = Duration.seconds(30)

    static let command = ServiceCommand(
        "reset-password", argument: "NAME",
        "sets a new password, to be changed within a day, ends the person's sessions and keys, and prints it"
    ) { (values, name) async throws(StartupError) in
        try await AuditLog.command("reset-password", values) { (event) async throws(StartupError) in
            event.username = Username(name).key
            let password = try await GivenPassword.make()
            let found = try await CommandDatabase.use(values, schema: "gateway") { database throws(StoreError) in
                try await GatewayStore(database: database)
                    .resetPassword(
                        of: name, to: password.hash, limits: GatewayLimits(), until: .now.advanced(by: timeout))
            }
            guard let found else { throw .resource(name, "no user has this name") }
            event.person = found.description
            return password.text + "\n"
        }
    }
}

/// A random password for an administrator to hand over.
struct GivenPassword: Sendable {
    /// 120 random bits, 20 characters.
    private static let byteCount = 15

    let text: String
    /// A PHC string.
    let hash: String

    static func make() async throws(StartupError) -> GivenPassword {
        let text = Base64.encodeURL(RandomBytes.make(byteCount))
        do {
            return GivenPassword(text: text, hash: try await PasswordHasher().hash(Secret(text)))
        } catch {
            throw .resource("password", "\(error)")
        }
    }
}
