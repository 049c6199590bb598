import Runtime

/// One provider's settings, and how its client is made from them; each provider's is in its own folder.
struct ProviderSetup: Sendable {
    /// Makes the client; nil if the provider lacks a key or has not been switched on. The last argument is the wall
    /// clock, in milliseconds since 1970.
    typealias Make = @Sendable (ConfigValues, ProviderHTTP, @escaping @Sendable () -> Int64) -> (any ProviderClient)?

    let provider: ProviderID
    let keys: [ConfigDefinition]
    let make: Make

    init(_ provider: ProviderID, keys: [ConfigDefinition], make: @escaping Make) {
        self.provider = provider
        self.keys = keys
        self.make = make
    }
}

/// All providers that have a client; the one place that lists them.
enum ProviderRoster {
    static let setups: [ProviderSetup] = [
        .tmdb, .tvdb, .tvmaze, .omdb, .trakt, .letterboxd, .simkl, .anilist, .anidb, .myanimelist, .kitsu,
    ]

    private static let off = ConfigKey<[String]>.list(
        "REELAY_PROVIDERS_OFF", form: "names of providers such as kitsu, separated by commas",
        "Metadata providers to leave out although they are configured; syncing with Trakt and Simkl is not affected.",
        accepts: { ProviderID(rawValue: $0) != nil })

    static let keys: [ConfigDefinition] = [off.definition] + setups.flatMap(\.keys)

    /// Returns the providers that have what they need and are not switched off; the others are listed too, so that a
    /// title can say why it lacks a score.
    static func panel(
        _ values: ConfigValues, gates: [ProviderID: SharedGate], now: @escaping @Sendable () -> Int64,
        http: (ProviderID) -> ProviderHTTP
    ) -> ProviderPanel {
        let off = Set(values[off].compactMap(ProviderID.init(rawValue:)))
        let clients = setups.filter { !off.contains($0.provider) }
            .compactMap { $0.make(values, http($0.provider), now) }
        let present = Set(clients.map(\.provider))
        return ProviderPanel(
            clients: clients, skipped: ProviderID.allCases.filter { !present.contains($0) }, switchedOff: off,
            gates: gates)
    }
}
