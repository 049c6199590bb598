import JSON

/// Builds TMDb's payloads from catalogue titles.
struct TMDbPayloads: Sendable {
    var configuration: JSONValue {
        .members([
            "images": .members([
                "base_url": "http://image.tmdb.org/t/p/", "secure_base_url": "https://image.tmdb.org/t/p/",
                "poster_sizes": ["w185", "w500", "original"],
            ])
        ])
    }

    /// A row of search results or of `/find`.
    func row(_ title: CatalogueTitle, mediaType: String? = nil) -> JSONValue {
        var row = start(title).adding(["genre_ids": .array(title.genres.map { .whole($0.rawValue) })])
        if let mediaType { row = row.adding(["media_type": .string(mediaType)]) }
        return row.adding(["popularity": .figure(popularity(title))]).adding(end(title))
    }

    /// `/movie/{id}` or `/tv/{id}`.
    func details(_ title: CatalogueTitle, appending parts: [String]) -> JSONValue {
        let genres = title.genres.map { JSONValue.members(["id": .whole($0.rawValue), "name": .string($0.name)]) }
        var details = start(title).adding([
            "genres": .array(genres), "homepage": "", "origin_country": [.string(title.country)],
            "popularity": .figure(popularity(title)), "production_companies": [], "tagline": "",
            "spoken_languages": [.members(["iso_639_1": .string(title.language), "name": .string(title.language)])],
        ])
        details = title.kind == .movie ? details.adding(movieOnly(title)) : details.adding(seriesOnly(title))
        details = details.adding(end(title))
        for name in parts {
            guard let part = part(name, of: title), case .object(let object) = details else { continue }
            details = .object(JSONObject(object.members + [(name: name, value: part)]))
        }
        return details
    }

    /// One appendable part; nil if no part has that name.
    func part(_ name: String, of title: CatalogueTitle) -> JSONValue? {
        switch name {
        case "external_ids": externalIDs(title)
        case "release_dates" where title.kind == .movie: releaseDates(title)
        case "content_ratings" where title.kind == .series: contentRatings(title)
        case "alternative_titles":
            .members([title.kind == .movie ? "titles" : "results": []])
        case "images": .members(["backdrops": [], "logos": [], "posters": []])
        default: nil
        }
    }

    /// `/find/{id}`.
    func found(_ title: CatalogueTitle?, episode: (series: CatalogueTitle, episode: CatalogueEpisode)?) -> JSONValue {
        let film = title.flatMap { $0.kind == .movie ? row($0, mediaType: "movie") : nil }
        let series = title.flatMap { $0.kind == .series ? row($0, mediaType: "tv") : nil }
        let episode = episode.map {
            self.episode($0.episode, of: $0.series).adding(["media_type": "tv_episode"])
        }
        return .members([
            "movie_results": .array([film].compactMap { $0 }), "person_results": [],
            "tv_results": .array([series].compactMap { $0 }),
            "tv_episode_results": .array([episode].compactMap { $0 }), "tv_season_results": [],
        ])
    }

    /// `/tv/{id}/season/{n}`.
    func season(_ season: CatalogueSeason, of title: CatalogueTitle) -> JSONValue {
        JSONValue.members([
            "_id": .string(hexadecimal(seasonID(season, of: title), digits: 24)), "air_date": .text(season.released),
            "episodes": .array(season.episodes.map { episode($0, of: title) }),
        ]).adding(seasonFacts(season, of: title))
    }

    /// `/tv/{id}/season/{n}/episode/{n}`.
    func episodeDetails(
        _ episode: CatalogueEpisode, of title: CatalogueTitle, appending parts: [String]
    ) -> JSONValue {
        let record = self.episode(episode, of: title).adding(["crew": [], "guest_stars": []])
        guard parts.contains("external_ids") else { return record }
        return record.adding([
            "external_ids": .members([
                "imdb_id": .string(episode.imdb), "freebase_mid": nil, "freebase_id": nil,
                "tvdb_id": .whole(episode.tvdb), "tvrage_id": nil, "wikidata_id": nil,
            ])
        ])
    }

    private func start(_ title: CatalogueTitle) -> JSONValue {
        let original = JSONValue.string(title.originalName ?? title.name)
        var start = JSONValue.members([
            "adult": false, "backdrop_path": .text(image(title, "b")), "id": .whole(title.tmdb),
            "original_language": .string(title.language), "overview": .string(title.overview),
            "poster_path": .text(image(title, "p")),
        ])
        start =
            title.kind == .movie
            ? start.adding(["title": .string(title.name), "original_title": original])
            : start.adding(["name": .string(title.name), "original_name": original])
        return start
    }

    private func end(_ title: CatalogueTitle) -> KeyValuePairs<String, JSONValue> {
        let votes = title.ratings.tmdb
        return [
            title.kind == .movie ? "release_date" : "first_air_date": .string(title.released),
            "vote_average": .figure(votes?.average ?? "0.0"), "vote_count": .whole(votes?.votes ?? 0),
        ]
    }

    private func movieOnly(_ title: CatalogueTitle) -> KeyValuePairs<String, JSONValue> {
        [
            "belongs_to_collection": nil, "budget": 0,
            "imdb_id": .text(title.quirks.contains(.withoutIMDbAtTMDb) ? nil : title.imdb), "revenue": 0,
            "runtime": .whole(title.runtimeMinutes), "status": .string(title.released.isEmpty ? "Rumored" : "Released"),
            "video": false,
        ]
    }

    private func seriesOnly(_ title: CatalogueTitle) -> KeyValuePairs<String, JSONValue> {
        let hidesRunTime = title.quirks.contains(.withoutRunTimeAtTMDb) || title.runtimeMinutes == 0
        let regular = title.seasons.filter { $0.number > 0 }
        let last = regular.last?.episodes.last
        return [
            "created_by": [], "episode_run_time": hidesRunTime ? [] : [.whole(title.runtimeMinutes)],
            "in_production": .bool(title.ended == nil), "last_air_date": .text(title.ended ?? last?.released),
            "last_episode_to_air": last.map { episode($0, of: title) } ?? nil, "next_episode_to_air": nil,
            "number_of_episodes": .whole(regular.reduce(0) { $0 + $1.episodes.count }),
            "number_of_seasons": .whole(regular.count),
            "seasons": .array(
                title.seasons.map {
                    JSONValue.members([
                        "air_date": .text($0.released), "episode_count": .whole($0.episodes.count),
                    ]).adding(seasonFacts($0, of: title))
                }), "status": .string(status(title)), "type": "Scripted",
        ]
    }

    private func status(_ title: CatalogueTitle) -> String {
        if title.seasons.isEmpty { return "Planned" }
        return title.ended == nil ? "Returning Series" : "Ended"
    }

    private func seasonFacts(
        _ season: CatalogueSeason, of title: CatalogueTitle
    ) -> KeyValuePairs<String, JSONValue> {
        [
            "id": .whole(seasonID(season, of: title)), "name": .string(season.name), "overview": "",
            "poster_path": nil, "season_number": .whole(season.number),
            "vote_average": .figure(season.episodes.first?.ratings.tmdb?.average ?? "0.0"),
        ]
    }

    private func episode(_ episode: CatalogueEpisode, of title: CatalogueTitle) -> JSONValue {
        .members([
            "id": .whole(episode.tmdb), "name": .string(episode.name), "overview": .string(episode.overview),
            "vote_average": .figure(episode.ratings.tmdb?.average ?? "0.0"),
            "vote_count": .whole(episode.ratings.tmdb?.votes ?? 0), "air_date": .string(episode.released),
            "episode_number": .whole(episode.number), "episode_type": "standard", "production_code": "",
            "runtime": .whole(episode.runtimeMinutes), "season_number": .whole(episode.season),
            "show_id": .whole(title.tmdb), "still_path": nil,
        ])
    }

    private func externalIDs(_ title: CatalogueTitle) -> JSONValue {
        let imdb = JSONValue.text(title.quirks.contains(.withoutIMDbAtTMDb) ? nil : title.imdb)
        if title.kind == .movie {
            return .members([
                "imdb_id": imdb, "wikidata_id": nil, "facebook_id": nil, "instagram_id": nil, "twitter_id": nil,
            ])
        }
        return .members([
            "imdb_id": imdb, "freebase_mid": nil, "freebase_id": nil, "tvdb_id": .whole(title.tvdb), "tvrage_id": nil,
            "wikidata_id": nil, "facebook_id": nil, "instagram_id": nil, "twitter_id": nil,
        ])
    }

    private func releaseDates(_ title: CatalogueTitle) -> JSONValue {
        let release = JSONValue.members([
            "certification": .string(title.certification ?? ""), "descriptors": [], "iso_639_1": "", "note": "",
            "release_date": .string("\(title.released)T00:00:00.000Z"), "type": 3,
        ])
        let countries: [JSONValue] =
            title.released.isEmpty ? [] : [.members(["iso_3166_1": "US", "release_dates": [release]])]
        return .members(["results": .array(countries)])
    }

    private func contentRatings(_ title: CatalogueTitle) -> JSONValue {
        let rating = title.certification.map {
            JSONValue.members(["descriptors": [], "iso_3166_1": "US", "rating": .string($0)])
        }
        return .members(["results": .array([rating].compactMap { $0 })])
    }

    private func popularity(_ title: CatalogueTitle) -> String { "\((title.ratings.tmdb?.votes ?? 0) / 100).125" }

    private func seasonID(_ season: CatalogueSeason, of title: CatalogueTitle) -> Int {
        9_300_000 + (title.tmdb ?? 0) % 1_000 * 100 + season.number
    }

    private func image(_ title: CatalogueTitle, _ mark: String) -> String? {
        title.tmdb.map { "/\(mark)\(title.kind == .movie ? "m" : "s")\(hexadecimal($0, digits: 12)).jpg" }
    }

    private func hexadecimal(_ value: Int, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
