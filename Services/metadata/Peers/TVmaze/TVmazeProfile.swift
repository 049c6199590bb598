extension ProviderProfile {
    /// TVmaze: at least 20 calls every ten seconds per address; needs no key.
    package static let tvmaze = ProviderProfile(
        .tvmaze, name: "TVmaze", attribution: "Data of TVmaze, licensed CC BY-SA 4.0.",
        link: "https://www.tvmaze.com", needs: [], baseURL: "https://api.tvmaze.com",
        kinds: [.series, .season, .episode], sources: [.tvmaze],
        pace: Pace(calls: 2, per: .seconds(1), inFlightMax: 4),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .seconds(30))
}
