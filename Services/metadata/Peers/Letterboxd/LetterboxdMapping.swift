package import JSON

/// Reads Letterboxd's records of films and of the few series that it has.
package struct LetterboxdMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection([
        "items", "film", "id", "name", "originalName", "alternativeNames", "releaseYear", "runTime", "rating", "genres",
        "poster", "sizes", "url", "description", "links", "type", "counts", "ratings", "access_token", "expires_in",
    ])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of a film, from a summary or a full record, without its score: the record has no vote count.
    /// Nil without an id.
    package func film(_ value: JSONView, kind: SubjectKind) -> ProviderFacts? {
        guard let id = SubjectIDs.checkedLetterboxd(value["id"].string) else { return nil }
        var facts = ProviderFacts(provider: .letterboxd, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        let links = value["links"].array
        facts.ids = SubjectIDs(
            imdb: links.lazy.filter { $0["type"].string == "imdb" }
                .compactMap { SubjectIDs.checkedIMDb($0["id"].string) }.first,
            tmdb: links.lazy.filter { Self.isTMDb($0, kind: kind) }.compactMap { $0["id"].outsideID }.first,
            letterboxd: id)
        facts.name = FactsText.name(value["name"].string)
        facts.originalName = FactsText.name(value["originalName"].string)
        facts.otherNames = FactsText.names(
            value["alternativeNames"].array.map(\.string), besides: [facts.name, facts.originalName])
        // Only the year is given; January 1 would be invented.
        facts.released = value["releaseYear"].int.flatMap { PartialDate(year: $0) }
        facts.overview = FactsText.overview(FactsText.plain(value["description"].string))
        facts.runtimeMinutes = FactsText.minutes(value["runTime"].int)
        facts.genres = FactsText.genres(value["genres"].array.compactMap { $0["name"].string })
        facts.posterURL = value["poster"]["sizes"].array.last.flatMap { FactsText.address($0["url"].string) }
        return facts
    }

    /// Whether the link leads to TMDb, and not to its numbering of the other kind: Letterboxd has series among its
    /// films.
    private static func isTMDb(_ link: JSONView, kind: SubjectKind) -> Bool {
        guard link["type"].string == "tmdb" else { return false }
        return link["url"].string?.contains(kind == .movie ? "/tv/" : "/movie/") != true
    }

    /// Returns the score in a film's statistics, which count those who rated; having watched is not a vote.
    package func score(_ statistics: JSONView, url: String?) -> ScoreReading {
        ScoreReading(
            source: .letterboxd, figure: statistics["rating"].figure,
            votes: statistics["counts"]["ratings"].tally, via: .letterboxd,
            fetchedAtMilliseconds: fetchedAtMilliseconds, url: url)
    }

    /// Returns the address of the film's page at Letterboxd.
    package func link(_ value: JSONView) -> String? {
        value["links"].array.lazy.filter { $0["type"].string == "letterboxd" }
            .compactMap { FactsText.address($0["url"].string) }.first
    }
}
