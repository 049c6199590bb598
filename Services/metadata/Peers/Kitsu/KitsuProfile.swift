extension ProviderProfile {
    /// Kitsu: no rate limit is published; needs no key.
    package static let kitsu = ProviderProfile(
        .kitsu, name: "Kitsu", attribution: "Data of Kitsu.", link: "https://kitsu.app", needs: [],
        baseURL: "https://kitsu.app/api/edge", kinds: [.movie, .series, .season], sources: [.kitsu],
        pace: Pace(calls: 2, per: .seconds(1), inFlightMax: 4),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .minutes(1))
}
