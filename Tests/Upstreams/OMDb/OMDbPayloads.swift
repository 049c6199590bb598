import JSON

/// Builds OMDb's payloads from catalogue titles: every value is a string, and "N/A" stands for none.
struct OMDbPayloads: Sendable {
    /// The record of a film, series or game.
    func record(_ title: CatalogueTitle) -> JSONValue {
        var record = JSONValue.members([
            "Title": .string(title.name), "Year": .string(years(title)), "Rated": told(title.certification),
            "Released": told(CatalogueDay(title.released)?.spelled), "Runtime": told(minutes(title.runtimeMinutes)),
            "Genre": told(genres(title)), "Director": told(title.director), "Writer": "N/A", "Actors": "N/A",
            "Plot": told(title.overview), "Language": told(language(title.language)), "Country": .string(title.country),
            "Awards": "N/A", "Poster": .string(poster(title)),
        ])
        record = record.adding(opinions(title.ratings, withArray: !title.quirks.contains(.withoutRatingsArray)))
        record = record.adding(["imdbID": told(title.imdb), "Type": .string(title.kind.rawValue)])
        switch title.kind {
        case .movie: record = record.adding(["DVD": "N/A", "BoxOffice": "N/A", "Production": "N/A", "Website": "N/A"])
        case .series:
            record = record.adding(["totalSeasons": .string(String(title.seasons.filter { $0.number > 0 }.count))])
        case .game: break
        }
        return record.adding(["Response": "True"])
    }

    /// A row of search results.
    func row(_ title: CatalogueTitle) -> JSONValue {
        .members([
            "Title": .string(title.name), "Year": .string(years(title)), "imdbID": told(title.imdb),
            "Type": .string(title.kind.rawValue), "Poster": .string(poster(title)),
        ])
    }

    /// The episode list of a season.
    func season(_ season: CatalogueSeason, of title: CatalogueTitle) -> JSONValue {
        .members([
            "Title": .string(title.name), "Season": .string(String(season.number)),
            "totalSeasons": .string(String(title.seasons.filter { $0.number > 0 }.count)),
            "Episodes": .array(
                season.episodes.map {
                    .members([
                        "Title": .string($0.name), "Released": .string($0.released),
                        "Episode": .string(String($0.number)), "imdbRating": told($0.ratings.imdb?.average),
                        "imdbID": .string($0.imdb),
                    ])
                }), "Response": "True",
        ])
    }

    /// The record of an episode.
    func episode(_ episode: CatalogueEpisode, of title: CatalogueTitle) -> JSONValue {
        JSONValue.members([
            "Title": .string(episode.name), "Year": .string(String(episode.released.prefix(4))),
            "Rated": told(title.certification), "Released": told(CatalogueDay(episode.released)?.spelled),
            "Season": .string(String(episode.season)), "Episode": .string(String(episode.number)),
            "Runtime": told(minutes(episode.runtimeMinutes)), "Genre": told(genres(title)), "Director": "N/A",
            "Plot": told(episode.overview), "Language": told(language(title.language)),
            "Country": .string(title.country), "Poster": "N/A",
        ])
        .adding(opinions(episode.ratings, withArray: true))
        .adding([
            "imdbID": .string(episode.imdb), "seriesID": told(title.imdb), "Type": "episode", "Response": "True",
        ])
    }

    private func opinions(
        _ ratings: CatalogueRatings, withArray: Bool
    ) -> KeyValuePairs<String, JSONValue> {
        var rows: [JSONValue] = []
        if let imdb = ratings.imdb { rows.append(opinion("Internet Movie Database", "\(imdb.average)/10")) }
        if let tomatoes = ratings.tomatoes { rows.append(opinion("Rotten Tomatoes", "\(tomatoes)%")) }
        if let metacritic = ratings.metacritic { rows.append(opinion("Metacritic", "\(metacritic)/100")) }
        let score = told(ratings.metacritic.map { String($0) })
        let mean = told(ratings.imdb?.average)
        let votes = told((ratings.imdb?.votes).map { grouped($0) })
        guard withArray else { return ["Metascore": score, "imdbRating": mean, "imdbVotes": votes] }
        return ["Ratings": .array(rows), "Metascore": score, "imdbRating": mean, "imdbVotes": votes]
    }

    private func opinion(_ source: String, _ value: String) -> JSONValue {
        .members(["Source": .string(source), "Value": .string(value)])
    }

    private func told(_ text: String?) -> JSONValue {
        .string(text.flatMap { $0.isEmpty ? nil : $0 } ?? "N/A")
    }

    private func minutes(_ count: Int) -> String? { count > 0 ? "\(count) min" : nil }

    private func genres(_ title: CatalogueTitle) -> String {
        title.genres.map { $0 == .scienceFiction ? "Sci-Fi" : $0.name }.joined(separator: ", ")
    }

    /// "1999", "2011–2019" or "2011–", with an en dash.
    private func years(_ title: CatalogueTitle) -> String {
        guard let year = title.year else { return "N/A" }
        guard title.kind == .series else { return String(year) }
        let last = title.ended.map { String($0.prefix(4)) } ?? ""
        return last == String(year) ? last : "\(year)–\(last)"
    }

    private func language(_ code: String) -> String {
        ["en": "English", "fr": "French", "ja": "Japanese", "sv": "Swedish", "hu": "Hungarian", "es": "Spanish"][code]
            ?? code
    }

    private func poster(_ title: CatalogueTitle) -> String {
        title.released.isEmpty ? "N/A" : "https://posters.example/\(title.imdb ?? "none").jpg"
    }

    /// "2,124,695"
    private func grouped(_ number: Int) -> String {
        var groups: [String] = []
        var rest = number
        while rest >= 1_000 {
            let group = String(rest % 1_000)
            groups.insert(String(repeating: "0", count: 3 - group.utf8.count) + group, at: 0)
            rest /= 1_000
        }
        return ([String(rest)] + groups).joined(separator: ",")
    }
}
