import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_TVMAZE_URL", default: ProviderProfile.tvmaze.baseURL, "Base URL of the TVmaze API, which needs no key.")

    static let tvmaze = ProviderSetup(.tvmaze, keys: [url.definition]) { values, http, now in
        TVmazeClient(url: values[url], http: http, nowMilliseconds: now)
    }
}
