package import Cryptography
internal import Glibc
package import Logging
package import Runtime

/// Something that was done to accounts, sessions, keys and connections, or with what people have here.
package struct AuditEvent: Sendable {
    package enum Outcome: String, Sendable {
        case ok
        /// The operation said no: a wrong password, a token that has ended.
        case refused
        /// The credentials do not allow it.
        case denied
        /// It broke off, and may have taken effect all the same.
        case failed
    }

    /// An operation of the contract, or a command.
    package let name: String
    package var outcome: Outcome
    /// Why not: a name of the registry, or of another closed set.
    package var code: String?
    /// The id of the person whose account it is.
    package var person: String?
    /// The user name that was asked for, in the form under which it is unique.
    package var username: String?
    package var address: String?
    /// By what somebody was let in: `session`, `key`, `machine`; nil for nobody.
    package var credential: String?
    /// The id of the session or key; of a command the number of the system's user.
    package var credentialID: String?
    /// The id of what it was done to, or a provider.
    package var object: String?
    package var traceID: String?

    package init(_ name: String, _ outcome: Outcome) {
        self.name = name
        self.outcome = outcome
    }
}

/// Writes the audit: a line `audit` of the common log for each event, whatever level is logged. People stand there as
/// keyed digests, which only who has the service's secret can tell, and nothing that anybody has typed.
package struct AuditLog: Sendable {
    /// Bytes of a digest that are written.
    private static let digestBytes = 16

    private let logger: Logger
    private let key: [UInt8]

    /// `secret` is the service's own; of several, the first.
    package init(logger: Logger, secret: Secret) {
        var own = logger
        own.logLevel = min(logger.logLevel, .notice)
        self.logger = own
        let first = secret.revealed.split(separator: ",").first.map(String.init) ?? ""
        key = HMAC.sha256(key: Array(first.utf8), message: Array("reelay.audit.v1".utf8))
    }

    package func write(_ event: AuditEvent) {
        let members: [(String, String?)] = [
            ("event", event.name), ("outcome", event.outcome.rawValue), ("code", event.code),
            ("person", event.person.map { person($0) }),
            ("account", event.username.map { digest("account", $0) }), ("address", event.address),
            ("credential", event.credential), ("credential_id", event.credentialID), ("object", event.object),
            ("trace_id", event.traceID),
        ]
        var metadata = Logger.Metadata()
        for (name, value) in members { metadata[name] = value.map { Logger.MetadataValue.string($0) } }
        logger.notice("audit", metadata: metadata)
    }

    /// Does what an administrator asks for at the machine itself, and writes what it came to, also where it fails; `work`
    /// adds to the event whom it is about.
    package static func command(
        _ name: String, _ values: ConfigValues, _ work: (inout AuditEvent) async throws(StartupError) -> String
    ) async throws(StartupError) -> String {
        let log = AuditLog(logger: Logger(label: "command"), secret: values[SharedKeys.serviceSecret])
        var event = AuditEvent(name, .ok)
        event.credential = "machine"
        event.credentialID = String(getuid())
        do throws(StartupError) {
            let answer = try await work(&event)
            log.write(event)
            return answer
        } catch {
            event.outcome = .failed
            log.write(event)
            throw error
        }
    }

    /// What stands in the log for the person with this id.
    package func person(_ id: String) -> String { digest("person", id) }

    /// The same for the same person or name in every line, as long as the secret is the same.
    private func digest(_ kind: String, _ text: String) -> String {
        Hex.encode(Array(HMAC.sha256(key: key, message: Array("\(kind) \(text)".utf8)).prefix(Self.digestBytes)))
    }
}
