package import JSON

/// Reads Kitsu's entries (JSON:API); every season of a series has its own.
package struct KitsuMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection(
        [
            "data", "included", "errors", "status", "id", "type", "attributes", "canonicalTitle", "abbreviatedTitles",
            "synopsis", "startDate", "endDate", "subtype", "episodeLength", "posterImage", "original", "large",
            "averageRating", "name", "title", "externalSite", "externalId", "slug", "ageRating",
        ], whole: ["titles", "ratingFrequencies"])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of an entry, read as a film, a series, or a season; nil without an id. `included` is only used
    /// for an answer about a single entry.
    package func entry(_ value: JSONView, included: [JSONView] = [], as kind: SubjectKind) -> ProviderFacts? {
        guard let id = value["id"].outsideID else { return nil }
        let attributes = value["attributes"]
        var facts = ProviderFacts(provider: .kitsu, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = ids(included)
        facts.ids.kitsu = id
        let titles = attributes["titles"]
        let canonical = FactsText.name(attributes["canonicalTitle"].string)
        facts.name = FactsText.name(titles["en"].string) ?? canonical
        facts.originalName = FactsText.name(titles["ja_jp"].string)
        let others = titles.members.map(\.value.string)
        facts.otherNames = FactsText.names(
            [canonical] + others + attributes["abbreviatedTitles"].array.map(\.string),
            besides: [facts.name, facts.originalName])
        facts.released = attributes["startDate"].day
        facts.ended = attributes["endDate"].day
        facts.overview = FactsText.overview(attributes["synopsis"].string)
        facts.runtimeMinutes = FactsText.minutes(attributes["episodeLength"].int)
        let genres = included.filter { $0["type"].string == "genres" }.compactMap { $0["attributes"]["name"].string }
        let categories = included.filter { $0["type"].string == "categories" }
            .compactMap { $0["attributes"]["title"].string }
        facts.genres = FactsText.genres(genres.isEmpty ? categories : genres)
        facts.certification = FactsText.certification(attributes["ageRating"].string)
        facts.posterURL =
            FactsText.address(attributes["posterImage"]["original"].string)
            ?? FactsText.address(attributes["posterImage"]["large"].string)
        facts.add(
            ScoreReading(
                source: .kitsu, figure: attributes["averageRating"].string.flatMap { NativeFigure($0) },
                votes: votes(attributes), via: .kitsu,
                fetchedAtMilliseconds: fetchedAtMilliseconds,
                url: FactsText.address("https://kitsu.app/anime/\(attributes["slug"].string ?? String(id))")))
        return facts
    }

    /// Returns the kind of the entry, or nil if it does not say.
    package static func kind(_ value: JSONView) -> SubjectKind? {
        switch value["attributes"]["subtype"].string?.lowercased() {
        case "movie": .movie
        case nil, "music": nil
        default: .series
        }
    }

    /// Returns the ids at other sites that come with an entry.
    private func ids(_ included: [JSONView]) -> SubjectIDs {
        var ids = SubjectIDs()
        for mapping in included where mapping["type"].string == "mappings" {
            let attributes = mapping["attributes"]
            let id = attributes["externalId"]
            switch attributes["externalSite"].string {
            case "myanimelist/anime": ids.myanimelist = ids.myanimelist ?? id.outsideID
            case "anilist/anime", "anilist": ids.anilist = ids.anilist ?? Self.number(id)
            case "anidb": ids.anidb = ids.anidb ?? id.outsideID
            default: break
            }
        }
        return ids
    }

    /// Returns the number of "5114", or of "anime/5114" in old mappings.
    private static func number(_ value: JSONView) -> Int64? {
        value.outsideID ?? SubjectIDs.checked(value.string?.split(separator: "/").last.flatMap { Int($0) })
    }

    /// Returns the number of people who rated: the sum of the frequencies, which are strings. Having it on a list is
    /// not a vote.
    private func votes(_ attributes: JSONView) -> Int64? {
        let counts = attributes["ratingFrequencies"].members.compactMap(\.value.tally)
            .filter { (0...ScoreReading.votesMax).contains($0) }
        guard !counts.isEmpty else { return nil }
        return counts.reduce(0) { min($0 + $1, ScoreReading.votesMax) }
    }
}
