package import Cryptography

/// The settings of every service.
package struct StandardKeys: Sendable {
    package let host = ConfigKey<String>.text(
        "REELAY_HOST", form: "a host name or address", default: "127.0.0.1", "Address that the service listens on.",
        accepts: { !$0.contains(where: \.isWhitespace) })
    package let port: ConfigKey<Int>
    package let adminPort = ConfigKey<Int?>.optionalPort(
        "REELAY_ADMIN_PORT", defaultText: "port + 1000",
        "Port of /healthz, /readyz and /metrics, in HTTP/1.1: in plain form, or with REELAY_PEER_TLS_FOLDER over TLS 1.3 to all but the machine itself."
    )
    package let logLevel = ConfigKey<String>.choice(
        "REELAY_LOG_LEVEL", of: ["trace", "debug", "info", "notice", "warning", "error", "critical"], default: "info",
        "The lowest level that is logged.")
    package let eventLoops = ConfigKey<Int>.integer(
        "REELAY_EVENT_LOOPS", default: 2, in: 1...64,
        "Number of event loop threads, capped at half the processors (the rest is left to the threads that talk to Postgres), in the gateway at all of them."
    )
    package let drainDelay = ConfigKey<Duration>.seconds(
        "REELAY_DRAIN_DELAY_SECONDS", default: .seconds(2), in: .zero ... .seconds(30),
        "How long a stopping service keeps answering while callers learn from /readyz that it is going away.")
    package let shutdownLimit = ConfigKey<Duration>.seconds(
        "REELAY_SHUTDOWN_SECONDS", default: .seconds(28), in: .seconds(1) ... .seconds(600),
        "Longest time that a stop may take; after that the process exits at once.")
    package let otlpEndpoint = ConfigKey<String?>.optionalText(
        "REELAY_OTLP_ENDPOINT", form: "an http or https URL without user, query and fragment",
        "OpenTelemetry collector, such as http://127.0.0.1:4318, to send spans, metrics and logs to, as JSON; without it nothing is sent.",
        accepts: ConfigText.isURL)
    package let otlpInterval = ConfigKey<Duration>.seconds(
        "REELAY_OTLP_SECONDS", default: .seconds(5), in: .milliseconds(100) ... .seconds(300),
        "Interval between exports to the collector.")

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
        "REELAY_DATABASE_PASSWORD", "Database password, if the URL has none.")
    package static let serviceSecret = ConfigKey<Secret>.secret(
        "REELAY_SERVICE_SECRET", form: "a secret text of at least 32 characters",
        "Secret by which services authenticate to each other, and from which keys are derived; the same for all services of a deployment, unless REELAY_SERVICE_AUTHENTICATION is certificate: then only the same for all copies of one service, which sends it to nobody.",
        accepts: { $0.utf8.count >= 32 })
    package static let peerTLSFolder = ConfigKey<String?>.optionalText(
        "REELAY_PEER_TLS_FOLDER", form: "a folder",
        "Folder with tls.crt, tls.key and ca.crt: services then speak TLS 1.3 with each other, present certificates with their service's name and trust only those issued by ca.crt, and the admin port admits, from other machines, only the certificates of balancer and monitor. The files are read again when they change. Without it, services speak plain HTTP/2.",
        accepts: { $0.hasPrefix("/") })
    /// What `serviceAuthentication` is when certificates alone count.
    package static let byCertificate = "certificate"
    package static let serviceAuthentication = ConfigKey<String>.choice(
        "REELAY_SERVICE_AUTHENTICATION", of: ["secret", byCertificate], default: "secret",
        "How services authenticate to each other: by REELAY_SERVICE_SECRET, besides certificates where REELAY_PEER_TLS_FOLDER is set, or by these certificates alone; the same for all services of a deployment."
    )
    package static let keyRing = ConfigKey<Secret>.secret(
        "REELAY_KEY_RING", form: "lines id:base64, the writing key first",
        "Keys that encrypt the stored tokens for Trakt and Simkl.",
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
        "Public URL of the gateway, without a trailing slash; Trakt sends browsers back to /oauth/trakt/callback below it."
    )
    package static let metadataAddress = ConfigKey<String>.address(
        "REELAY_METADATA_ADDRESS", default: "127.0.0.1:7101", "Address of the metadata service.")
    package static let ratingsAddress = ConfigKey<String>.address(
        "REELAY_RATINGS_ADDRESS", default: "127.0.0.1:7102", "Address of the ratings service.")
    package static let scrobbleAddress = ConfigKey<String>.address(
        "REELAY_SCROBBLE_ADDRESS", default: "127.0.0.1:7103", "Address of the scrobble service.")
}
