extension ProviderProfile {
    /// AniDB: one call every four seconds, one at a time, no title twice a day, no retries; a ban lasts at least a day.
    package static let anidb = ProviderProfile(
        .anidb, name: "AniDB", attribution: "Data of AniDB.", link: "https://anidb.net", needs: [.clientID],
        baseURL: "http://api.anidb.net:9001", kinds: [.movie, .series, .season],
        sources: [.anidbPermanent, .anidbTemporary], pace: Pace(calls: 1, per: .seconds(4), inFlightMax: 1),
        keeping: Keeping(answer: .days(7), absence: .days(7)), mayRetry: false, restAfterRefusal: .days(1))
}
