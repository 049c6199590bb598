package import JSON

/// Reads TVmaze's records. It has only series, and no vote counts.
package struct TVmazeMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection(
        [
            "id", "url", "name", "language", "genres", "status", "runtime", "averageRuntime", "premiered", "ended",
            "rating", "average", "externals", "thetvdb", "imdb", "image", "original", "medium", "summary", "show",
            "season", "number", "airdate", "premiereDate", "endDate", "_embedded", "seasons", "episodes",
        ])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of a series; nil without an id. The `score` of a search row is how well it fits, never a
    /// rating.
    package func show(_ value: JSONView) -> ProviderFacts? {
        guard let id = value["id"].outsideID else { return nil }
        var facts = ProviderFacts(provider: .tvmaze, kind: .series, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(
            imdb: SubjectIDs.checkedIMDb(value["externals"]["imdb"].string),
            tvdb: value["externals"]["thetvdb"].outsideID, tvmaze: id)
        facts.name = FactsText.name(value["name"].string)
        facts.originalLanguage = value["language"].string.flatMap { Self.languages[$0] }
        facts.released = value["premiered"].day
        // A film years later counts as an episode, so the last day is only taken if the series has ended.
        if value["status"].string == "Ended" { facts.ended = value["ended"].day }
        facts.overview = FactsText.overview(FactsText.plain(value["summary"].string))
        facts.runtimeMinutes = FactsText.minutes(value["averageRuntime"].int ?? value["runtime"].int)
        facts.genres = FactsText.genres(value["genres"].array.compactMap(\.string))
        facts.posterURL = image(value["image"])
        facts.add(score(value))
        let seasons = value["_embedded"]["seasons"].array.prefix(ProviderLimits.childrenMax)
        facts.children = seasons.compactMap { season($0, series: facts.ids) }
        return facts
    }

    /// Returns the facts of a season; nil without a number. TVmaze does not rate seasons.
    package func season(_ value: JSONView, series: SubjectIDs) -> ProviderFacts? {
        guard let number = value["number"].place else { return nil }
        var facts = ProviderFacts(provider: .tvmaze, kind: .season, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(tvmaze: value["id"].outsideID)
        facts.seriesIDs = series
        facts.seasonNumber = number
        facts.name = FactsText.name(value["name"].string)
        facts.released = value["premiereDate"].day
        facts.ended = value["endDate"].day
        facts.overview = FactsText.overview(FactsText.plain(value["summary"].string))
        facts.posterURL = image(value["image"])
        return facts
    }

    /// Returns the facts of an episode; nil without its numbers, as for specials.
    package func episode(_ value: JSONView, series: SubjectIDs) -> ProviderFacts? {
        guard let season = value["season"].place, let number = value["number"].place else { return nil }
        var facts = ProviderFacts(provider: .tvmaze, kind: .episode, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(tvmaze: value["id"].outsideID)
        facts.seriesIDs = series
        facts.seasonNumber = season
        facts.episodeNumber = number
        facts.name = FactsText.name(value["name"].string)
        facts.released = value["airdate"].day
        facts.overview = FactsText.overview(FactsText.plain(value["summary"].string))
        facts.runtimeMinutes = FactsText.minutes(value["runtime"].int)
        facts.posterURL = image(value["image"])
        facts.add(score(value))
        return facts
    }

    private func score(_ value: JSONView) -> ScoreReading {
        ScoreReading(
            source: .tvmaze, figure: value["rating"]["average"].figure, via: .tvmaze,
            fetchedAtMilliseconds: fetchedAtMilliseconds, url: FactsText.address(value["url"].string))
    }

    private func image(_ value: JSONView) -> String? {
        FactsText.address(value["original"].string) ?? FactsText.address(value["medium"].string)
    }

    private static let languages = [
        "English": "en", "Japanese": "ja", "Korean": "ko", "Chinese": "zh", "French": "fr", "German": "de",
        "Spanish": "es", "Italian": "it", "Portuguese": "pt", "Danish": "da", "Swedish": "sv", "Norwegian": "no",
        "Dutch": "nl", "Russian": "ru", "Turkish": "tr", "Polish": "pl", "Finnish": "fi", "Hungarian": "hu",
    ]
}
