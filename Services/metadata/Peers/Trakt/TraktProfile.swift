extension ProviderProfile {
    /// Trakt: 1,000 reads every five minutes per client. Relays others' ratings, among them the Rotten Tomatoes
    /// audience's.
    package static let trakt = ProviderProfile(
        .trakt, name: "Trakt", attribution: "Data of Trakt.", link: "https://trakt.tv", needs: [.clientID],
        baseURL: "https://api.trakt.tv", kinds: [.movie, .series, .season, .episode],
        sources: [
            .imdb, .rottenTomatoesCritics, .rottenTomatoesAudience, .metacritic, .tmdb, .trakt, .letterboxd,
            .myanimelist,
        ], pace: Pace(calls: 3, per: .seconds(1), inFlightMax: 8),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .minutes(5))
}
