extension ProviderProfile {
    /// Simkl: ten reads a second per client. Off unless switched on: its terms expect login and sync, not metadata
    /// alone.
    package static let simkl = ProviderProfile(
        .simkl, name: "Simkl", attribution: "Data of Simkl.", link: "https://simkl.com", needs: [.clientID],
        isOnByDefault: false, baseURL: "https://api.simkl.com", kinds: [.movie, .series, .episode],
        sources: [.imdb, .simkl, .myanimelist], pace: Pace(calls: 5, per: .seconds(1), inFlightMax: 4),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .minutes(10))
}
