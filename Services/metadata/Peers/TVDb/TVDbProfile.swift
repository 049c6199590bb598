extension ProviderProfile {
    /// TVDb: no rate limit is published; its operators ask for few calls and a cache.
    package static let tvdb = ProviderProfile(
        .tvdb, name: "TVDb",
        attribution: "Metadata provided by TheTVDB. Please consider adding missing information or subscribing.",
        link: "https://thetvdb.com", needs: [.apiKey], baseURL: "https://api4.thetvdb.com/v4",
        kinds: [.movie, .series, .season, .episode], sources: [.tvdb],
        pace: Pace(calls: 5, per: .seconds(1), inFlightMax: 4),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .minutes(1))
}
