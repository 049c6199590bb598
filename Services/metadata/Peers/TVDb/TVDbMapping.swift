package import JSON

/// Reads TVDb's records. Their `score` counts interest and is not a rating: it is reported as the figure it is.
package struct TVDbMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection(
        [
            "status", "data", "token", "id", "tvdb_id", "name", "type", "year", "slug", "image", "image_url",
            "overview",
            "score", "firstAired", "lastAired", "first_air_time", "first_release", "date", "originalLanguage",
            "primary_language", "averageRuntime", "runtime", "genres", "contentRatings", "country", "remoteIds",
            "remote_ids", "sourceName", "aliases", "language", "seasons",
            "number", "seasonNumber", "seriesId", "episodes", "aired", "series", "movie", "episode",
        ], whole: ["translations", "overviews"])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of a film or series, from a full record or a search row; nil without an id.
    package func title(_ value: JSONView, kind: SubjectKind) -> ProviderFacts? {
        guard let id = value["tvdb_id"].outsideID ?? value["id"].outsideID else { return nil }
        var facts = ProviderFacts(provider: .tvdb, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = remoteIDs(value)
        facts.ids.tvdb = id
        let original = FactsText.name(value["name"].string)
        let english = FactsText.name(translation(value, isName: true))
        facts.name = english ?? original
        facts.originalName = original
        let aliases = value["aliases"].array.map { $0.string ?? $0["name"].string }
        facts.otherNames = FactsText.names(aliases, besides: [english, original])
        facts.originalLanguage = (value["originalLanguage"].string ?? value["primary_language"].string).flatMap {
            Self.languages[$0]
        }
        facts.released =
            value["firstAired"].day ?? value["first_release"]["date"].day ?? value["first_air_time"].day
            ?? value["year"].day
        if value["status"]["name"].string == "Ended" { facts.ended = value["lastAired"].day }
        facts.overview = FactsText.overview(
            translation(value, isName: false) ?? value["overview"].string)
        facts.runtimeMinutes = FactsText.minutes(value["averageRuntime"].int ?? value["runtime"].int)
        facts.genres = FactsText.genres(value["genres"].array.compactMap { $0["name"].string ?? $0.string })
        facts.certification =
            value["contentRatings"].array.lazy.filter { $0["country"].string == "usa" }
            .compactMap { FactsText.certification($0["name"].string) }.first
        facts.posterURL = FactsText.address(value["image"].string) ?? FactsText.address(value["image_url"].string)
        let link = value["slug"].string.map {
            "https://thetvdb.com/\(kind == .movie ? "movies" : "series")/\($0)"
        }
        facts.add(
            ScoreReading(
                source: .tvdb, figure: value["score"].figure, via: .tvdb,
                fetchedAtMilliseconds: fetchedAtMilliseconds, url: FactsText.address(link)))
        facts.children = value["seasons"].array.prefix(ProviderLimits.childrenMax)
            .filter { $0["type"]["type"].string == "official" }.compactMap { season($0, series: facts.ids) }
        return facts
    }

    /// Returns the facts of a season in aired order; nil without a number.
    package func season(_ value: JSONView, series: SubjectIDs) -> ProviderFacts? {
        guard let number = value["number"].place else { return nil }
        var facts = ProviderFacts(provider: .tvdb, kind: .season, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(tvdb: value["id"].outsideID)
        facts.seriesIDs = series
        facts.seasonNumber = number
        facts.name = FactsText.name(value["name"].string)
        facts.released = value["year"].day
        facts.posterURL = FactsText.address(value["image"].string)
        return facts
    }

    /// Returns the facts of an episode; nil without its numbers.
    package func episode(_ value: JSONView) -> ProviderFacts? {
        guard let season = value["seasonNumber"].place, let number = value["number"].place else { return nil }
        var facts = ProviderFacts(provider: .tvdb, kind: .episode, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = remoteIDs(value)
        facts.ids.tvdb = value["id"].outsideID
        facts.seriesIDs = SubjectIDs(tvdb: value["seriesId"].outsideID)
        facts.seasonNumber = season
        facts.episodeNumber = number
        facts.name = FactsText.name(value["name"].string)
        facts.released = value["aired"].day
        facts.overview = FactsText.overview(value["overview"].string)
        facts.runtimeMinutes = FactsText.minutes(value["runtime"].int)
        facts.posterURL = FactsText.address(value["image"].string)
        return facts
    }

    /// Returns the English text, from the list in a full record or from a search row.
    private func translation(_ value: JSONView, isName: Bool) -> String? {
        let listed = value["translations"][isName ? "nameTranslations" : "overviewTranslations"].array.first {
            $0["language"].string == "eng" && $0["isAlias"].bool != true
        }
        return listed?[isName ? "name" : "overview"].string
            ?? (isName ? value["translations"] : value["overviews"])["eng"].string
    }

    /// Reads the ids at other sites, which are labeled with the site's name, not a number.
    private func remoteIDs(_ value: JSONView) -> SubjectIDs {
        var ids = SubjectIDs()
        for row in value["remoteIds"].array + value["remote_ids"].array {
            switch row["sourceName"].string?.lowercased() {
            case "imdb": ids.imdb = ids.imdb ?? SubjectIDs.checkedIMDb(row["id"].string)
            case "themoviedb.com": ids.tmdb = ids.tmdb ?? row["id"].outsideID
            case "tv maze", "tvmaze": ids.tvmaze = ids.tvmaze ?? row["id"].outsideID
            default: break
            }
        }
        return ids
    }

    private static let languages = [
        "eng": "en", "jpn": "ja", "kor": "ko", "zho": "zh", "zhtw": "zh", "fra": "fr", "deu": "de", "spa": "es",
        "ita": "it", "por": "pt", "pt": "pt", "dan": "da", "swe": "sv", "nor": "no", "nld": "nl", "rus": "ru",
        "tur": "tr", "pol": "pl", "fin": "fi", "hun": "hu",
    ]
}
