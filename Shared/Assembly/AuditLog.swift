package import Cryptography
internal import Glibc
package import Logging
package import Runtime

/// An action on accounts, sessions, keys or connections, or on what people have stored.
package struct AuditEvent: Sendable {
    package enum Outcome: String, Sendable {
        case ok
        /// The operation refused: a wrong password, an expired token.
        case refused
        /// The credentials do not permit it.
        case denied
        /// It failed midway and may still have taken effect.
        case failed
    }

    /// An operation of the contract, or a command.
    package let name: String
    package var outcome: Outcome
    /// The reason for the outcome: a name from the error registry, or from another closed set.
    package var code: String?
    /// The id of the person whose account it is.
    package var person: String?
    /// The requested user name, in its unique form.
    package var username: String?
    package var address: String?
    /// The kind of credential: `session`, `key`, `machine`; nil if there was none.
    package var credential: String?
    /// The id of the session or key; for a command the system's user id.
    package var credentialID: String?
    /// The id of the object acted on, or a provider.
    package var object: String?
    package var traceID: String?

    package init(_ name: String, _ outcome: Outcome) {
        self.name = name
        self.outcome = outcome
    }
}

/// Writes the audit: an `audit` line in the common log for each event, whatever the log level. People appear as keyed
/// digests, which only the holder of the service's secret can resolve, and nothing that anybody typed is logged.
package struct AuditLog: Sendable {
    /// Bytes of a digest that are written.
    private static let digestBytes = 16

    private let logger: Logger
    private let key: [UInt8]

    /// `secret` is the service's own; if there are several, the first one counts.
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

    /// Performs an administrator's command at the machine and logs its outcome, including failures; `work` adds to the
    /// event whom it concerns.
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

    /// Returns what the log shows for the person with this id.
    package func person(_ id: String) -> String { digest("person", id) }

    /// The same for the same person or name in every line, as long as the secret is unchanged.
    private func digest(_ kind: String, _ text: String) -> String {
        Hex.encode(Array(HMAC.sha256(key: key, message: Array("\(kind) \(text)".utf8)).prefix(Self.digestBytes)))
    }
}
