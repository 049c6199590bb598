extension ProviderProfile {
    /// OMDb: a free key allows 1,000 calls a day.
    package static let omdb = ProviderProfile(
        .omdb, name: "OMDb", attribution: "Data of OMDb, licensed CC BY-NC 4.0.", link: "https://www.omdbapi.com",
        needs: [.apiKey], baseURL: "https://www.omdbapi.com", kinds: [.movie, .series, .episode],
        sources: [.imdb, .rottenTomatoesCritics, .metacritic],
        pace: Pace(calls: 1, per: .seconds(1), inFlightMax: 2, dailyCallsMax: 1_000),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .hours(1))
}
