extension ProviderProfile {
    /// MyAnimeList: rate limits are not published; answers 403 for minutes to callers that ask too fast.
    package static let myanimelist = ProviderProfile(
        .myanimelist, name: "MyAnimeList", attribution: "Data of MyAnimeList.", link: "https://myanimelist.net",
        needs: [.clientID], baseURL: "https://api.myanimelist.net/v2", kinds: [.movie, .series, .season],
        sources: [.myanimelist], pace: Pace(calls: 1, per: .seconds(1), inFlightMax: 1),
        keeping: Keeping(answer: .days(1), absence: .days(1)), restAfterRefusal: .minutes(5))
}
