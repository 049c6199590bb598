package import JSON

/// Reads Trakt's records, and the ratings of others that it relays, each on its own scale.
package struct TraktMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection([
        "type", "movie", "show", "episode", "title", "original_title", "year", "ids", "trakt", "slug", "imdb", "tmdb",
        "tvdb", "released", "first_aired", "overview", "runtime", "genres", "language", "country", "certification",
        "rating", "votes", "number", "season", "episodes", "metascore", "rotten_tomatoes", "user_rating", "letterboxd",
        "mal", "link",
    ])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of a film or series; nil without Trakt's own id.
    package func title(_ value: JSONView, kind: SubjectKind) -> ProviderFacts? {
        let ids = ids(value)
        guard ids.trakt != nil else { return nil }
        var facts = ProviderFacts(provider: .trakt, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = ids
        facts.name = FactsText.name(value["title"].string)
        facts.originalName = FactsText.name(value["original_title"].string)
        facts.originalLanguage = FactsText.clean(value["language"].string, charactersMax: 10)
        // The first broadcast is given as a time in UTC, which may fall on the next day.
        facts.released = value["released"].day ?? value["first_aired"].day ?? Self.year(value["year"])
        facts.overview = FactsText.overview(value["overview"].string)
        facts.runtimeMinutes = FactsText.minutes(value["runtime"].int)
        facts.genres = FactsText.genres(value["genres"].array.compactMap { $0.string.map(Self.spelled) })
        facts.certification = FactsText.certification(value["certification"].string)
        facts.add(own(value, url: Self.link(value, kind: kind)))
        return facts
    }

    /// Returns the facts of a season; nil without a number.
    package func season(_ value: JSONView, series: SubjectIDs) -> ProviderFacts? {
        guard let number = value["number"].place else { return nil }
        var facts = ProviderFacts(provider: .trakt, kind: .season, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = ids(value)
        facts.seriesIDs = series
        facts.seasonNumber = number
        facts.name = FactsText.name(value["title"].string)
        facts.released = value["first_aired"].day
        facts.overview = FactsText.overview(value["overview"].string)
        facts.add(own(value, url: nil))
        return facts
    }

    /// Returns the facts of an episode; nil without its numbers.
    package func episode(_ value: JSONView, series: SubjectIDs) -> ProviderFacts? {
        guard let season = value["season"].place, let number = value["number"].place else { return nil }
        var facts = ProviderFacts(provider: .trakt, kind: .episode, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = ids(value)
        facts.seriesIDs = series
        facts.seasonNumber = season
        facts.episodeNumber = number
        facts.name = FactsText.name(value["title"].string)
        facts.released = value["first_aired"].day
        facts.overview = FactsText.overview(value["overview"].string)
        facts.runtimeMinutes = FactsText.minutes(value["runtime"].int)
        facts.add(own(value, url: nil))
        return facts
    }

    /// Returns the ratings of a title: Trakt's own and, if their blocks are present, those of others.
    package func ratings(_ value: JSONView) -> [ScoreReading] {
        // Without the blocks, and for seasons even with them, Trakt's own figures stand alone.
        let ownBlock = value["trakt"].isObject ? value["trakt"] : value
        let tomatoes = value["rotten_tomatoes"]
        return [
            relayed(.imdb, value["imdb"]),
            reading(.rottenTomatoesCritics, tomatoes["rating"], votes: nil, link: tomatoes["link"]),
            reading(.rottenTomatoesAudience, tomatoes["user_rating"], votes: nil, link: tomatoes["link"]),
            reading(.metacritic, value["metascore"]["rating"], votes: nil, link: value["metascore"]["link"]),
            relayed(.tmdb, value["tmdb"]), relayed(.trakt, ownBlock), relayed(.letterboxd, value["letterboxd"]),
            relayed(.myanimelist, value["mal"]),
        ]
    }

    private func relayed(_ source: ScoreSource, _ block: JSONView) -> ScoreReading {
        reading(source, block["rating"], votes: block["votes"].tally, link: block["link"])
    }

    private func reading(
        _ source: ScoreSource, _ figure: JSONView, votes: Int64?, link: JSONView
    ) -> ScoreReading {
        ScoreReading(
            source: source, figure: figure.figure, votes: votes, via: .trakt,
            fetchedAtMilliseconds: fetchedAtMilliseconds, url: FactsText.address(link.string))
    }

    private func own(_ value: JSONView, url: String?) -> ScoreReading {
        ScoreReading(
            source: .trakt, figure: value["rating"].figure,
            votes: value["votes"].tally, via: .trakt, fetchedAtMilliseconds: fetchedAtMilliseconds, url: url)
    }

    private func ids(_ value: JSONView) -> SubjectIDs {
        let ids = value["ids"]
        return SubjectIDs(
            imdb: SubjectIDs.checkedIMDb(ids["imdb"].string), tmdb: ids["tmdb"].outsideID,
            tvdb: ids["tvdb"].outsideID, trakt: ids["trakt"].outsideID)
    }

    /// A row of an old lookup has the year as a string.
    private static func year(_ value: JSONView) -> PartialDate? {
        (value.int ?? value.string.flatMap { Int($0) }).flatMap { PartialDate(year: $0) }
    }

    private static func link(_ value: JSONView, kind: SubjectKind) -> String? {
        value["ids"]["slug"].string.flatMap {
            FactsText.address("https://trakt.tv/\(kind == .movie ? "movies" : "shows")/\($0)")
        }
    }

    /// "science-fiction" → "Science Fiction"
    private static func spelled(_ slug: String) -> String {
        slug.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " ")
    }
}
