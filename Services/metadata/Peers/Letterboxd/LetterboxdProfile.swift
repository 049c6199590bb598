extension ProviderProfile {
    /// Letterboxd: keys are granted on application; rate limits are not published.
    package static let letterboxd = ProviderProfile(
        .letterboxd, name: "Letterboxd", attribution: "Ratings of Letterboxd.", link: "https://letterboxd.com",
        needs: [.clientID, .clientSecret], baseURL: "https://api.letterboxd.com/api/v0", kinds: [.movie, .series],
        sources: [.letterboxd], pace: Pace(calls: 1, per: .seconds(1), inFlightMax: 2),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .minutes(5))
}
