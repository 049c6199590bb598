/// The names of all settings of all services, collected in one place.
///
/// Services share an environment, so the settings of one are not mistakes in another; any other `REELAY_` name is. A
/// test checks each service's schema against this list.
package enum KnownKeys {
    package static let names: Set<String> = secrets.union(shared).union(providers).union(gateway).union(development)

    /// Those that are secrets, and so may come from files.
    package static let secrets: Set<String> = Set(
        providerNames.flatMap { provider in
            ["CLIENT_ID", "CLIENT_SECRET", "API_KEY"].map { "REELAY_\(provider)_\($0)" }
        }
            + [
                SharedKeys.databaseURL.name, SharedKeys.databasePassword.name, SharedKeys.serviceSecret.name,
                SharedKeys.keyRing.name,
            ])

    /// Returns the names of a schema that this list lacks, or wrongly calls secrets; a test expects none.
    package static func missing(from schema: ConfigSchema) -> [String] {
        schema.definitions.filter { !names.contains($0.name) || $0.isSecret != secrets.contains($0.name) }
            .map(\.name).sorted()
    }

    private static let providerNames = [
        "TMDB", "OMDB", "TVDB", "TVMAZE", "TRAKT", "LETTERBOXD", "SIMKL", "ANILIST", "ANIDB", "MYANIMELIST", "KITSU",
    ]

    private static let shared: Set<String> = Set(
        StandardKeys(portDefault: 0).definitions.map(\.name)
            + [
                SharedKeys.metadataAddress.name, SharedKeys.ratingsAddress.name, SharedKeys.scrobbleAddress.name,
                SharedKeys.publicURL.name, SharedKeys.peerTLSFolder.name,
                SharedKeys.serviceAuthentication.name,
            ])

    private static let providers: Set<String> = Set(
        providerNames.map { "REELAY_\($0)_URL" }
            + [
                "REELAY_SIMKL_METADATA", "REELAY_SIMKL_SITE_URL", "REELAY_TRAKT_AUTH_URL", "REELAY_PROVIDERS_OFF",
                "REELAY_PROVIDER_PACE_PERCENT",
                "REELAY_PROVIDER_CALLS_PER_SECOND", "REELAY_REFRESH", "REELAY_SCRATCH_FOLDER",
                "REELAY_UNDO_DAYS", "REELAY_OUTBOUND_NETWORKS",
            ])

    private static let gateway: Set<String> = [
        "REELAY_CORS_ORIGINS", "REELAY_TRUSTED_PROXIES", "REELAY_REGISTRATION", "REELAY_SECOND_FACTOR",
        "REELAY_INTERNAL_PORT", "REELAY_PUBLIC_CERTIFICATE", "REELAY_PUBLIC_CERTIFICATE_KEY", "REELAY_PERSON_REQUESTS",
        "REELAY_KEY_REQUESTS", "REELAY_ADDRESS_REQUESTS", "REELAY_BREACHED_PASSWORDS",
        "REELAY_BREACHED_PASSWORDS_URL", "REELAY_CODE_SECONDS", "REELAY_HSTS_SUBDOMAINS", "REELAY_HOOK_ADDRESSES",
    ]

    /// Settings of developers' scripts and tests; a service that inherits them still starts.
    private static let development: Set<String> = [
        "REELAY_BIN", "REELAY_FIXTURES", "REELAY_PORT_OFFSET", "REELAY_POSTGRES_PORT", "REELAY_SECRETS_DIR",
        "REELAY_TEST_DATABASE_URL",
    ]
}
