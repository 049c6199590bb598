package import JSON

/// Reads TMDb's records. Each field stands alone: one that is absent or of another type is left out.
package struct TMDbMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection([
        "id", "results", "movie_results", "tv_results", "tv_episode_results", "title", "name", "original_title",
        "original_name", "original_language", "release_date", "first_air_date", "in_production", "last_air_date",
        "overview", "runtime", "episode_run_time", "last_episode_to_air", "genres", "release_dates", "content_ratings",
        "iso_3166_1", "type", "certification", "rating", "poster_path", "backdrop_path", "still_path", "vote_average",
        "vote_count", "seasons", "season_number", "episodes", "episode_number", "air_date", "show_id", "external_ids",
        "imdb_id", "tvdb_id", "wikidata_id",
    ])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64
    private let region: String
    private let imageURL: String

    package init(
        fetchedAtMilliseconds: Int64, region: String = "US", imageURL: String = "https://image.tmdb.org/t/p"
    ) {
        self.fetchedAtMilliseconds = fetchedAtMilliseconds
        self.region = region
        self.imageURL = imageURL
    }

    /// Returns the facts of a film or series, from a full record or a search row; nil without an id.
    package func title(_ value: JSONView, kind: SubjectKind) -> ProviderFacts? {
        guard let id = Self.id(value["id"]) else { return nil }
        let isMovie = kind == .movie
        var facts = ProviderFacts(provider: .tmdb, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = ids(value).filled(from: SubjectIDs(tmdb: id))
        facts.name = FactsText.name(value[isMovie ? "title" : "name"].string)
        facts.originalName = FactsText.name(value[isMovie ? "original_title" : "original_name"].string)
        facts.originalLanguage = FactsText.clean(value["original_language"].string, charactersMax: 10)
        facts.released = date(value[isMovie ? "release_date" : "first_air_date"])
        if !isMovie, value["in_production"].bool == false { facts.ended = date(value["last_air_date"]) }
        facts.overview = FactsText.overview(value["overview"].string)
        facts.runtimeMinutes = FactsText.minutes(isMovie ? value["runtime"].int : Self.episodeMinutes(value))
        facts.genres = FactsText.genres(value["genres"].array.compactMap { $0["name"].string })
        facts.certification = isMovie ? movieCertification(value) : seriesCertification(value)
        facts.posterURL = image(value["poster_path"], size: "w500")
        facts.backdropURL = image(value["backdrop_path"], size: "w1280")
        facts.add(score(value, url: "https://www.themoviedb.org/\(isMovie ? "movie" : "tv")/\(id)"))
        facts.children = value["seasons"].array.prefix(ProviderLimits.childrenMax).compactMap { season($0, series: id) }
        return facts
    }

    /// Returns the facts of a season, with its episodes if they are listed; nil without a number.
    package func season(_ value: JSONView, series: Int64) -> ProviderFacts? {
        guard let number = Self.number(value["season_number"]) else { return nil }
        var facts = ProviderFacts(provider: .tmdb, kind: .season, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = ids(value).filled(from: SubjectIDs(tmdb: Self.id(value["id"])))
        facts.seriesIDs = SubjectIDs(tmdb: series)
        facts.seasonNumber = number
        facts.name = FactsText.name(value["name"].string)
        facts.released = date(value["air_date"])
        facts.overview = FactsText.overview(value["overview"].string)
        facts.posterURL = image(value["poster_path"], size: "w500")
        // A season's mean, if given at all, comes without votes; 0.0 means that nobody voted.
        facts.add(score(value, url: "https://www.themoviedb.org/tv/\(series)/season/\(number)"))
        facts.children = value["episodes"].array.prefix(ProviderLimits.childrenMax).compactMap {
            episode($0, series: series)
        }
        return facts
    }

    /// Returns the facts of an episode; nil without its numbers.
    package func episode(_ value: JSONView, series: Int64) -> ProviderFacts? {
        guard let season = Self.number(value["season_number"]), let number = Self.number(value["episode_number"])
        else { return nil }
        var facts = ProviderFacts(provider: .tmdb, kind: .episode, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = ids(value).filled(from: SubjectIDs(tmdb: Self.id(value["id"])))
        facts.seriesIDs = SubjectIDs(tmdb: series)
        facts.seasonNumber = season
        facts.episodeNumber = number
        facts.name = FactsText.name(value["name"].string)
        facts.released = date(value["air_date"])
        facts.overview = FactsText.overview(value["overview"].string)
        facts.runtimeMinutes = FactsText.minutes(value["runtime"].int)
        facts.posterURL = image(value["still_path"], size: "w500")
        facts.add(score(value, url: "https://www.themoviedb.org/tv/\(series)/season/\(season)/episode/\(number)"))
        return facts
    }

    private func score(_ value: JSONView, url: String) -> ScoreReading {
        ScoreReading(
            source: .tmdb, figure: value["vote_average"].figure,
            votes: value["vote_count"].int.map { Int64($0) }, via: .tmdb,
            fetchedAtMilliseconds: fetchedAtMilliseconds, url: url)
    }

    private func ids(_ value: JSONView) -> SubjectIDs {
        let elsewhere = value["external_ids"]
        let imdb = SubjectIDs.checkedIMDb(elsewhere["imdb_id"].string) ?? value["imdb_id"].string
        let wikidata = elsewhere["wikidata_id"].string.flatMap { text in
            text.hasPrefix("Q") && text.utf8.count <= 20 && Int64(text.dropFirst()) != nil ? text : nil
        }
        return SubjectIDs(imdb: SubjectIDs.checkedIMDb(imdb), tvdb: Self.id(elsewhere["tvdb_id"]), wikidata: wikidata)
    }

    private func movieCertification(_ value: JSONView) -> String? {
        certification(value["release_dates"]) { country in
            let releases = country["release_dates"].array
            // 3 is the theatrical release.
            let ordered = releases.filter { $0["type"].int == 3 } + releases
            return ordered.lazy.compactMap { FactsText.certification($0["certification"].string) }.first
        }
    }

    private func seriesCertification(_ value: JSONView) -> String? {
        certification(value["content_ratings"]) { FactsText.certification($0["rating"].string) }
    }

    private func certification(_ part: JSONView, _ read: (JSONView) -> String?) -> String? {
        for wanted in [region, "US"] {
            for country in part["results"].array where country["iso_3166_1"].string == wanted {
                if let certification = read(country) { return certification }
            }
        }
        return nil
    }

    private func image(_ path: JSONView, size: String) -> String? {
        guard let path = path.string, path.hasPrefix("/") else { return nil }
        return FactsText.address("\(imageURL)/\(size)\(path)")
    }

    private func date(_ value: JSONView) -> PartialDate? { value.string.flatMap { PartialDate(iso: $0) } }

    /// Returns the minutes of an episode; `episode_run_time` is empty in newer records.
    private static func episodeMinutes(_ value: JSONView) -> Int? {
        value["episode_run_time"].array.lazy.compactMap(\.int).first { $0 > 0 }
            ?? value["last_episode_to_air"]["runtime"].int
    }

    private static func id(_ value: JSONView) -> Int64? {
        value.int.flatMap { $0 > 0 && Int64($0) <= ScoreReading.votesMax ? Int64($0) : nil }
    }

    private static func number(_ value: JSONView) -> Int? {
        value.int.flatMap { (0...100_000).contains($0) ? $0 : nil }
    }
}
