internal import Assembly
internal import Contracts
internal import Runtime
internal import Store

/// The command `remove-second-factor NAME`: for people who have lost device and recovery codes, and are known to
/// whoever runs the machine. Ends all of the person's sessions; the password stays.
enum RemoveSecondFactorOf {
    private static let timeout = Duration.seconds(30)

    static let command = ServiceCommand(
        "remove-second-factor", argument: "NAME",
        "removes a person's second factor and recovery codes, and ends their sessions"
    ) { (values, name) async throws(StartupError) in
        try await AuditLog.command("remove-second-factor", values) { (event) async throws(StartupError) in
            event.username = Username(name).key
            let found = try await CommandDatabase.use(values, schema: "gateway") { database throws(StoreError) in
                try await GatewayStore(database: database).removeFactor(of: name, until: .now.advanced(by: timeout))
            }
            guard let found else { throw .resource(name, "no user has this name") }
            event.person = found.user.description
            guard found.hadOne else { return "there was no second factor; all sessions have ended\n" }
            return "the second factor was removed; all sessions have ended\n"
        }
    }
}
