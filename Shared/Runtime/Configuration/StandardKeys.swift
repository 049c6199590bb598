package import Cryptography

/// The settings of every service.
package struct StandardKeys: Sendable {
    package let host = ConfigKey<String>.text(
        "REELAY_HOST", form: "a host name or address", default: "127.0.0.1", "Address that the service listens on.",
        accepts: { !$0.contains(where: \.isWhitespace) })
    package let port: ConfigKey<Int>
    package let adminPort = ConfigKey<Int?>.optionalPort(
        "REELAY_ADMIN_PORT", defaultText: "port + 1000", "Port of /healthz, /readyz and /metrics; plain HTTP/1.1.")
    package let logLevel = ConfigKey<String>.choice(
        "REELAY_LOG_LEVEL", of: ["trace", "debug", "info", "notice", "warning", "error", "critical"], default: "info",
        "The least severe level that is logged.")
    package let eventLoops = ConfigKey<Int>.integer(
        "REELAY_EVENT_LOOPS", default: 2, in: 1...64,
        "Event loop threads; never more than half the processors, the others being for Postgres.")
    package let drainDelay = ConfigKey<Duration>.seconds(
        "REELAY_DRAIN_DELAY_SECONDS", default: .seconds(2), in: .zero ... .seconds(30),
        "How long a stopping service answers on while callers learn from /readyz that it goes.")
    package let shutdownLimit = ConfigKey<Duration>.seconds(
        "REELAY_SHUTDOWN_SECONDS", default: .seconds(28), in: .seconds(1) ... .seconds(600),
        "The longest a stop may take; then the process ends at once.")
    package let otlpEndpoint = ConfigKey<String?>.optionalText(
        "REELAY_OTLP_ENDPOINT", form: "an http or https URL without user, query and fragment",
        "An OpenTelemetry collector, such as http://127.0.0.1:4318, that is sent spans, metrics and logs as JSON; nothing is sent without it.",
        accepts: ConfigText.isURL)
    package let otlpInterval = ConfigKey<Duration>.seconds(
        "REELAY_OTLP_SECONDS", default: .seconds(5), in: .milliseconds(100) ... .seconds(300),
        "How often the collector is sent what has come together.")

    package init(portDefault: Int) {
        port = .port("REELAY_PORT", default: portDefault, "Port that the service listens on.")
    }

    package var definitions: [ConfigDefinition] {
        [
            host.definition, port.definition, adminPort.definition, logLevel.definition, eventLoops.definition,
            drainDelay.definition, shutdownLimit.definition, otlpEndpoint.definition, otlpInterval.definition,
        ]
    }
}

/// Settings of several services, declared once so that they mean the same everywhere.
package enum SharedKeys {
    package static let databaseURL = ConfigKey<Secret>.secret(
        "REELAY_DATABASE_URL", form: "a postgres:// URL", "The database of this service.",
        accepts: { $0.hasPrefix("postgres://") || $0.hasPrefix("postgresql://") })
    package static let databasePassword = ConfigKey<Secret?>.optionalSecret(
        "REELAY_DATABASE_PASSWORD", "Password for the database, where the URL has none.")
    package static let serviceSecret = ConfigKey<Secret>.secret(
        "REELAY_SERVICE_SECRET", form: "a secret text of at least 32 characters",
        "What the services show each other; the same for all of one deployment.", accepts: { $0.utf8.count >= 32 })
    package static let peerTLSFolder = ConfigKey<String?>.optionalText(
        "REELAY_PEER_TLS_FOLDER", form: "a folder",
        "Folder with tls.crt, tls.key and ca.crt: services then speak TLS 1.3 with each other, show certificates with their service's name and believe those of ca.crt only. Read again when they change; plain HTTP/2 without it.",
        accepts: { $0.hasPrefix("/") })
    package static let keyRing = ConfigKey<Secret>.secret(
        "REELAY_KEY_RING", form: "lines id:base64, the writing key first",
        "Keys that seal the tokens of other services.",
        accepts: { text in
            do throws(KeyRingError) {
                _ = try KeyRing(parsing: Secret(text))
                return true
            } catch {
                return false
            }
        })
    package static let publicURL = ConfigKey<String>.url(
        "REELAY_PUBLIC_URL", default: "http://127.0.0.1:8080",
        "Where the gateway is reached from outside, without a slash at the end; Trakt sends browsers back to /oauth/trakt/callback below it."
    )
    package static let metadataAddress = ConfigKey<String>.address(
        "REELAY_METADATA_ADDRESS", default: "127.0.0.1:7101", "Where the metadata service listens.")
    package static let ratingsAddress = ConfigKey<String>.address(
        "REELAY_RATINGS_ADDRESS", default: "127.0.0.1:7102", "Where the ratings service listens.")
    package static let scrobbleAddress = ConfigKey<String>.address(
        "REELAY_SCROBBLE_ADDRESS", default: "127.0.0.1:7103", "Where the scrobble service listens.")
}
