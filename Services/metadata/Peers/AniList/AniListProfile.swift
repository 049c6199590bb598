extension ProviderProfile {
    /// AniList: nominally 90 calls a minute, in practice 30, and a limit on bursts; needs no key.
    package static let anilist = ProviderProfile(
        .anilist, name: "AniList", attribution: "Data of AniList.", link: "https://anilist.co", needs: [],
        baseURL: "https://graphql.anilist.co", kinds: [.movie, .series, .season], sources: [.anilist],
        pace: Pace(calls: 25, per: .minutes(1), inFlightMax: 2),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .hours(3))
}
