extension ProviderProfile {
    /// TMDb: allows up to about 40 calls a second; data may be kept for six months.
    package static let tmdb = ProviderProfile(
        .tmdb, name: "TMDb",
        attribution: "This product uses the TMDB API but is not endorsed or certified by TMDB.",
        link: "https://www.themoviedb.org", needs: [.apiKey], baseURL: "https://api.themoviedb.org/3",
        kinds: [.movie, .series, .season, .episode], sources: [.tmdb],
        pace: Pace(calls: 20, per: .seconds(1), inFlightMax: 16),
        keeping: Keeping(answer: .days(1), absence: .days(1), longest: .days(180)), restAfterRefusal: .minutes(1))
}
