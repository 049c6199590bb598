package import JSON

/// Reads AniList's entries; every season of a series has its own.
package struct AniListMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection([
        "data", "Media", "Page", "media", "errors", "message", "status", "id", "idMal", "format", "siteUrl", "title",
        "romaji", "english", "native", "synonyms", "startDate", "endDate", "year", "month", "day", "duration",
        "description", "genres", "averageScore", "coverImage", "extraLarge", "large", "stats", "scoreDistribution",
        "score", "amount", "countryOfOrigin",
    ])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of an entry, read as a film, a series, or a season; nil without an id.
    package func entry(_ value: JSONView, as kind: SubjectKind) -> ProviderFacts? {
        guard let id = value["id"].outsideID else { return nil }
        var facts = ProviderFacts(provider: .anilist, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(anilist: id, myanimelist: value["idMal"].outsideID)
        let title = value["title"]
        let romaji = FactsText.name(title["romaji"].string)
        facts.originalName = FactsText.name(title["native"].string)
        facts.name = FactsText.name(title["english"].string) ?? romaji ?? facts.originalName
        facts.otherNames = FactsText.names(
            [romaji] + value["synonyms"].array.map(\.string), besides: [facts.name, facts.originalName])
        facts.originalLanguage = value["countryOfOrigin"].string.flatMap {
            ["JP": "ja", "KR": "ko", "CN": "zh", "TW": "zh"][$0]
        }
        facts.released = date(value["startDate"])
        facts.ended = date(value["endDate"])
        facts.overview = FactsText.overview(FactsText.plain(value["description"].string))
        facts.runtimeMinutes = FactsText.minutes(value["duration"].int)
        facts.genres = FactsText.genres(value["genres"].array.compactMap(\.string))
        facts.posterURL =
            FactsText.address(value["coverImage"]["extraLarge"].string)
            ?? FactsText.address(value["coverImage"]["large"].string)
        facts.add(
            ScoreReading(
                source: .anilist, figure: value["averageScore"].figure,
                votes: votes(value), via: .anilist, fetchedAtMilliseconds: fetchedAtMilliseconds,
                url: FactsText.address(value["siteUrl"].string) ?? "https://anilist.co/anime/\(id)"))
        return facts
    }

    /// Returns the kind of the entry, or nil if it does not say.
    package static func kind(_ value: JSONView) -> SubjectKind? {
        switch value["format"].string {
        case "MOVIE": .movie
        case nil: nil
        default: .series
        }
    }

    /// Returns the number of people who rated: the sum of the distribution. Having it on a list is not a vote.
    private func votes(_ value: JSONView) -> Int64? {
        let amounts = value["stats"]["scoreDistribution"].array.compactMap { $0["amount"].tally }
            .filter { (0...ScoreReading.votesMax).contains($0) }
        guard !amounts.isEmpty else { return nil }
        return amounts.reduce(0) { min($0 + $1, ScoreReading.votesMax) }
    }

    private func date(_ value: JSONView) -> PartialDate? {
        guard let year = value["year"].int else { return nil }
        let month = value["month"].int
        return PartialDate(year: year, month: month, day: month == nil ? nil : value["day"].int)
            ?? PartialDate(year: year)
    }
}
