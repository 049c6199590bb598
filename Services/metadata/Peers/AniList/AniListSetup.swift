import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_ANILIST_URL", default: ProviderProfile.anilist.baseURL,
        "Base URL of the AniList API, which needs no key.")

    static let anilist = ProviderSetup(.anilist, keys: [url.definition]) { values, http, now in
        AniListClient(url: values[url], http: http, nowMilliseconds: now)
    }
}
