package import JSON

/// Reads Simkl's records, in which all ids but its own are strings, and the ratings of IMDb and MyAnimeList that it
/// relays.
package struct SimklMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection([
        "title", "en_title", "title_en", "title_romaji", "all_titles", "year", "type", "endpoint_type", "anime_type",
        "ids",
        "simkl", "simkl_id", "slug", "imdb", "tmdb", "tvdb", "mal", "anidb", "anilist", "kitsu", "poster", "released",
        "first_aired", "last_aired", "runtime", "overview", "genres", "certification", "ratings", "rating", "votes",
        "IMDB", "MAL", "id", "link", "season", "episode", "description", "date", "error",
    ])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the kind of the record, or nil if it does not say; anime may be a film or a series.
    package static func kind(_ value: JSONView) -> SubjectKind? {
        let words = [value["anime_type"], value["type"], value["endpoint_type"]].compactMap(\.string)
        for word in words {
            switch word {
            case "movie", "movies": return .movie
            case "tv", "show", "shows", "special", "ova", "ona": return .series
            default: continue
            }
        }
        return words.contains("anime") ? .series : nil
    }

    /// Returns the facts of a film or series, from a full record or a search row; nil without Simkl's own id, or if the
    /// record is of another kind: a search for a film may return anime.
    package func title(_ value: JSONView, kind: SubjectKind) -> ProviderFacts? {
        let places = value["ids"]
        guard let id = places["simkl"].outsideID ?? places["simkl_id"].outsideID,
            Self.kind(value) ?? kind == kind
        else { return nil }
        var facts = ProviderFacts(provider: .simkl, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(
            imdb: SubjectIDs.checkedIMDb(places["imdb"].string), tmdb: places["tmdb"].outsideID,
            tvdb: places["tvdb"].outsideID, simkl: id, anilist: places["anilist"].outsideID,
            anidb: places["anidb"].outsideID, myanimelist: places["mal"].outsideID, kitsu: places["kitsu"].outsideID)
        let title = FactsText.name(value["title"].string)
        facts.name = FactsText.name(value["en_title"].string) ?? FactsText.name(value["title_en"].string) ?? title
        if facts.name != title { facts.originalName = title }
        facts.otherNames = FactsText.names(
            [value["title_romaji"].string] + value["all_titles"].array.map(\.string), besides: [facts.name, title])
        facts.released =
            value["released"].day ?? value["first_aired"].day ?? value["year"].int.flatMap { PartialDate(year: $0) }
        facts.ended = value["last_aired"].day
        facts.overview = FactsText.overview(FactsText.plain(value["overview"].string))
        facts.runtimeMinutes = FactsText.minutes(value["runtime"].int)
        facts.genres = FactsText.genres(value["genres"].array.compactMap(\.string))
        facts.certification = FactsText.certification(value["certification"].string)
        facts.posterURL = value["poster"].string.flatMap { path in
            FactsText.address("https://wsrv.nl/?url=https://simkl.in/posters/\(path)_m.jpg")
        }
        for reading in ratings(value["ratings"], link: link(value, id: id, kind: kind)) { facts.add(reading) }
        return facts
    }

    /// Returns the facts of an episode in a list; nil without its numbers, as for specials. Simkl does not rate
    /// episodes.
    package func episode(_ value: JSONView, series: SubjectIDs) -> ProviderFacts? {
        guard let season = value["season"].place, let number = value["episode"].place else { return nil }
        var facts = ProviderFacts(provider: .simkl, kind: .episode, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(simkl: value["ids"]["simkl_id"].outsideID)
        facts.seriesIDs = series
        facts.seasonNumber = season
        facts.episodeNumber = number
        facts.name = FactsText.name(value["title"].string)
        facts.released = value["date"].day
        facts.overview = FactsText.overview(FactsText.plain(value["description"].string))
        return facts
    }

    /// Reads the blocks of a record, or the short answer for ratings, which spells others' names in capitals.
    package func ratings(_ blocks: JSONView, link: String? = nil) -> [ScoreReading] {
        [
            reading(.simkl, blocks["simkl"], link: link),
            reading(.imdb, blocks["imdb"].isNull ? blocks["IMDB"] : blocks["imdb"], link: nil),
            reading(.myanimelist, blocks["mal"].isNull ? blocks["MAL"] : blocks["mal"], link: nil),
        ]
    }

    private func reading(_ source: ScoreSource, _ block: JSONView, link: String?) -> ScoreReading {
        ScoreReading(
            source: source, figure: block["rating"].figure,
            votes: block["votes"].tally, via: .simkl, fetchedAtMilliseconds: fetchedAtMilliseconds, url: link)
    }

    /// Simkl's terms require a link to each title that is shown.
    private func link(_ value: JSONView, id: Int64, kind: SubjectKind) -> String? {
        let isAnime =
            value["endpoint_type"].string == "anime" || value["type"].string == "anime"
            || value["anime_type"].string != nil
        let folder = isAnime ? "anime" : kind == .movie ? "movies" : "tv"
        let slug = value["ids"]["slug"].string.map { "/\($0)" } ?? ""
        return FactsText.address("https://simkl.com/\(folder)/\(id)\(slug)")
    }
}
