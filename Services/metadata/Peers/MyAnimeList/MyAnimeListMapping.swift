package import JSON

/// Reads MyAnimeList's entries; every season of a series has its own.
package struct MyAnimeListMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection([
        "data", "node", "error", "message", "id", "title", "main_picture", "large", "medium", "alternative_titles",
        "en",
        "ja", "synonyms", "start_date", "end_date", "synopsis", "mean", "num_scoring_users", "media_type", "genres",
        "name", "average_episode_duration", "rating",
    ])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of an entry, read as a film, a series, or a season; nil without an id.
    package func entry(_ value: JSONView, as kind: SubjectKind) -> ProviderFacts? {
        guard let id = value["id"].outsideID else { return nil }
        var facts = ProviderFacts(provider: .myanimelist, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(myanimelist: id)
        let title = FactsText.name(value["title"].string)
        let others = value["alternative_titles"]
        facts.name = FactsText.name(others["en"].string) ?? title
        facts.originalName = FactsText.name(others["ja"].string)
        facts.otherNames = FactsText.names(
            [title] + others["synonyms"].array.map(\.string), besides: [facts.name, facts.originalName])
        facts.released = value["start_date"].day
        facts.ended = value["end_date"].day
        facts.overview = FactsText.overview(value["synopsis"].string)
        // In seconds per episode; anything under half a minute counts as one minute.
        facts.runtimeMinutes = FactsText.minutes(
            value["average_episode_duration"].int.flatMap { $0 > 0 ? max(1, ($0 + 30) / 60) : nil })
        facts.genres = FactsText.genres(value["genres"].array.compactMap { $0["name"].string })
        // `rating` is the age rating, never a score.
        facts.certification = FactsText.certification(
            value["rating"].string.flatMap { Self.certifications[$0] })
        facts.posterURL =
            FactsText.address(value["main_picture"]["large"].string)
            ?? FactsText.address(value["main_picture"]["medium"].string)
        facts.add(
            ScoreReading(
                source: .myanimelist, figure: value["mean"].figure,
                votes: value["num_scoring_users"].tally, via: .myanimelist,
                fetchedAtMilliseconds: fetchedAtMilliseconds, url: "https://myanimelist.net/anime/\(id)"))
        return facts
    }

    /// Returns the kind of the entry, or nil if it does not say.
    package static func kind(_ value: JSONView) -> SubjectKind? {
        switch value["media_type"].string {
        case "movie": .movie
        case nil, "unknown": nil
        default: .series
        }
    }

    private static let certifications = [
        "g": "G", "pg": "PG", "pg_13": "PG-13", "r": "R", "r+": "R+", "rx": "Rx",
    ]
}
