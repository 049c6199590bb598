import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_KITSU_URL", default: ProviderProfile.kitsu.baseURL, "Base URL of the Kitsu API, which needs no key.")

    static let kitsu = ProviderSetup(.kitsu, keys: [url.definition]) { values, http, now in
        KitsuClient(url: values[url], http: http, nowMilliseconds: now)
    }
}
