import JSON

/// Builds TVDb's payloads from catalogue titles.
struct TVDbPayloads: Sendable {
    /// TVDb's id; nil if TVDb does not have the title.
    func id(_ title: CatalogueTitle) -> Int? { title.kind == .movie ? title.tvdbMovie : title.tvdb }

    func series(_ title: CatalogueTitle) -> JSONValue {
        start(title).adding([
            "firstAired": .string(title.released), "lastAired": .text(title.ended), "nextAired": "",
            "averageRuntime": .whole(title.runtimeMinutes == 0 ? nil : title.runtimeMinutes),
            "isOrderRandomized": false,
            "seasons": .array(title.seasons.map { season($0, of: title) }), "companies": [],
        ])
    }

    func movie(_ title: CatalogueTitle) -> JSONValue {
        start(title).adding([
            "runtime": .whole(title.runtimeMinutes == 0 ? nil : title.runtimeMinutes),
            "first_release": .members(["country": "usa", "date": .string(title.released), "detail": nil]),
            "companies": .members(["studio": [], "network": nil]),
        ])
    }

    func row(_ title: CatalogueTitle) -> JSONValue {
        let kind = title.kind == .movie ? "movie" : "series"
        let id = String(id(title) ?? 0)
        return .members([
            "objectID": .string("\(kind)-\(id)"), "id": .string("\(kind)-\(id)"), "tvdb_id": .string(id),
            "name": .string(title.originalName ?? title.name), "type": .string(kind),
            "year": .text(title.year.map { "\($0)" }),
            "first_air_time": .string(title.released), "primary_language": .string(language(title)),
            "translations": .members(["eng": .string(title.name)]),
            "overviews": .members(["eng": .string(title.overview)]),
            "image_url": .string("https://artworks.example/\(id).jpg"), "aliases": [], "remote_ids": remoteIDs(title),
        ])
    }

    /// A page of episodes, or the requested one.
    func episodes(_ title: CatalogueTitle, _ request: UpstreamRequest) -> JSONValue {
        let season = request.query("season").flatMap { Int($0) }
        let number = request.query("episodeNumber").flatMap { Int($0) }
        let wanted = title.seasons.flatMap(\.episodes).filter {
            (season == nil || $0.season == season) && (number == nil || $0.number == number)
        }
        return .members([
            "series": start(title), "episodes": .array(wanted.map { episode($0, of: title) }),
        ])
    }

    private func episode(_ episode: CatalogueEpisode, of title: CatalogueTitle) -> JSONValue {
        .members([
            "id": .whole(episode.tvdb), "seriesId": .whole(title.tvdb), "name": .string(episode.name),
            "aired": .string(episode.released), "runtime": .whole(episode.runtimeMinutes),
            "overview": .string(episode.overview), "image": nil, "isMovie": 0, "number": .whole(episode.number),
            "absoluteNumber": 0, "seasonNumber": .whole(episode.season), "finaleType": nil,
        ])
    }

    private func season(_ season: CatalogueSeason, of title: CatalogueTitle) -> JSONValue {
        .members([
            "id": .whole((title.tvdb ?? 0) * 100 + season.number), "seriesId": .whole(title.tvdb),
            "type": .members(["id": 1, "name": "Aired Order", "type": "official"]), "number": .whole(season.number),
            "year": .string(String(season.released.prefix(4))),
        ])
    }

    private func start(_ title: CatalogueTitle) -> JSONValue {
        .members([
            "id": .whole(id(title)), "name": .string(title.originalName ?? title.name), "slug": .string(title.slug),
            "image": .string("https://artworks.example/\(id(title) ?? 0).jpg"),
            "year": .text(title.year.map { "\($0)" }),
            "overview": .string(title.overview), "score": .whole(title.opinions?.tvdb ?? 0),
            "status": .members(["id": 2, "name": .string(title.ended == nil ? "Continuing" : "Ended")]),
            "originalLanguage": .string(language(title)), "originalCountry": "usa",
            "genres": .array(title.genres.map { .members(["id": .whole($0.rawValue), "name": .string($0.name)]) }),
            "contentRatings": .array(
                title.certification.map { [.members(["name": .string($0), "country": "usa"])] } ?? []),
            "aliases": [], "remoteIds": remoteIDs(title),
            "translations": .members([
                "nameTranslations": [.members(["name": .string(title.name), "language": "eng", "isPrimary": true])],
                "overviewTranslations": [.members(["overview": .string(title.overview), "language": "eng"])],
            ]),
        ])
    }

    private func remoteIDs(_ title: CatalogueTitle) -> JSONValue {
        let rows: [(String?, String)] = [
            (title.imdb, "IMDB"), (title.tmdb.map { "\($0)" }, "TheMovieDB.com"),
            ("https://example.org", "Official Website"),
        ]
        return .array(
            rows.compactMap { row in
                row.0.map { .members(["id": .string($0), "type": 2, "sourceName": .string(row.1)]) }
            })
    }

    private func language(_ title: CatalogueTitle) -> String {
        ["en": "eng", "ja": "jpn", "fr": "fra", "es": "spa", "hu": "hun", "sv": "swe"][title.language] ?? "eng"
    }
}
