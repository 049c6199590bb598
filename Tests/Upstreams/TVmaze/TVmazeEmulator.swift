import JSON

/// TVmaze, below `/tvmaze`, without a key. A lookup by another provider's id answers with a redirect.
package struct TVmazeEmulator: EmulatedProvider {
    package let name = UpstreamName.tvmaze
    private let catalogue: Catalogue
    private let payloads = TVmazePayloads()

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() {}
    package func rateLimited() -> UpstreamResponse { failure("Too Many Requests", "", status: 429) }
    package func quotaUsedUp() -> UpstreamResponse { rateLimited() }
    package func failure(status: Int) -> UpstreamResponse {
        failure("Internal Server Error", "Something broke", status: status)
    }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        let path = request.segments
        switch (path.first, path.count) {
        case ("search", 2) where path[1] == "shows":
            let found = catalogue.search(request.query("q") ?? "", kinds: [.series]).filter { $0.tvmaze != nil }
            let rows = found.prefix(10).enumerated().map { place, title in
                JSONValue.members(["score": .figure("0.\(99 - place)"), "show": payloads.show(title)])
            }
            return .json(.array(rows))
        case ("lookup", 2) where path[1] == "shows": return lookup(request)
        case ("shows", 2...):
            guard let id = Int(path[1]), let title = catalogue.title(number: id - 700_000_000), title.tvmaze == id
            else {
                return failure("Not Found", "", status: 404)
            }
            return show(title, Array(path.dropFirst(2)), request)
        default: return failure("Not Found", "Page not found.", status: 404)
        }
    }

    private func lookup(_ request: UpstreamRequest) -> UpstreamResponse {
        let title =
            request.query("imdb").flatMap { catalogue.title(imdb: $0) }
            ?? request.query("thetvdb").flatMap { Int($0) }.flatMap { catalogue.title(.series, tvdb: $0) }
        guard let id = title?.tvmaze else { return .empty(404) }
        return .empty(301, headers: [WireField("location", "https://api.tvmaze.com/shows/\(id)")])
    }

    private func show(_ title: CatalogueTitle, _ path: [String], _ request: UpstreamRequest) -> UpstreamResponse {
        let embeds = request.query.filter { $0.name == "embed" || $0.name == "embed[]" }.map(\.value)
        switch path.first {
        case nil: return .json(payloads.show(title, embedding: embeds))
        case "seasons": return .json(.array(title.seasons.map { payloads.season($0, of: title) }))
        case "episodes":
            return .json(.array(title.seasons.flatMap(\.episodes).map { payloads.episode($0, of: title) }))
        case "episodebynumber":
            let found = title.seasons.flatMap(\.episodes).first {
                request.query("season") == String($0.season) && request.query("number") == String($0.number)
            }
            return found.map { .json(payloads.episode($0, of: title)) }
                ?? failure("Not Found", "Unknown episode", status: 404)
        default: return failure("Not Found", "Page not found.", status: 404)
        }
    }

    private func failure(_ name: String, _ message: String, status: Int) -> UpstreamResponse {
        .json(
            .members([
                "name": .string(name), "message": .string(message), "code": 0, "status": .whole(status),
            ]), status: status)
    }
}

/// Builds TVmaze's payloads from catalogue series.
struct TVmazePayloads: Sendable {
    func show(_ title: CatalogueTitle, embedding embeds: [String] = []) -> JSONValue {
        let id = title.tvmaze ?? 0
        let show = JSONValue.members([
            "id": .whole(id), "url": .string("https://www.tvmaze.com/shows/\(id)/\(title.slug)"),
            "name": .string(title.name), "type": title.isAnime ? "Animation" : "Scripted",
            "language": title.language == "ja" ? "Japanese" : "English",
            "genres": .array(
                (title.isAnime ? ["Anime"] : []) + title.genres.filter { $0 != .animation }.map { .string($0.name) }),
            "status": title.ended == nil ? "Running" : "Ended",
            "runtime": .whole(title.runtimeMinutes == 0 ? nil : title.runtimeMinutes),
            "averageRuntime": .whole(title.runtimeMinutes == 0 ? nil : title.runtimeMinutes),
            "premiered": title.released.isEmpty ? nil : .string(title.released), "ended": .text(title.ended),
            "rating": .members(["average": title.opinions.map { .figure($0.tvmaze) } ?? nil]), "weight": 55,
            "network": nil, "webChannel": .members(["id": 1, "name": "Reel One", "country": nil]),
            "externals": .members(["tvrage": nil, "thetvdb": .whole(title.tvdb), "imdb": .text(title.imdb)]),
            "image": .members([
                "medium": .string("https://images.example/m/\(id).jpg"),
                "original": .string("https://images.example/o/\(id).jpg"),
            ]), "summary": .string("<p>\(title.overview.replacing("&", with: "&amp;"))</p>"), "updated": 1_790_000_000,
        ])
        guard !embeds.isEmpty else { return show }
        var parts: [(name: String, value: JSONValue)] = []
        if embeds.contains("seasons") { parts.append(("seasons", .array(title.seasons.map { season($0, of: title) }))) }
        if embeds.contains("episodes") {
            parts.append(("episodes", .array(title.seasons.flatMap(\.episodes).map { episode($0, of: title) })))
        }
        return show.adding(["_embedded": .object(JSONObject(parts))])
    }

    func season(_ season: CatalogueSeason, of title: CatalogueTitle) -> JSONValue {
        .members([
            "id": .whole((title.tvmaze ?? 0) * 10 + season.number), "url": "https://www.tvmaze.com/seasons/1",
            "number": .whole(season.number), "name": .string(season.name),
            "episodeOrder": .whole(season.episodes.count),
            "premiereDate": .string(season.released), "endDate": .text(season.episodes.last?.released),
            "network": nil, "webChannel": nil, "image": nil, "summary": "",
        ])
    }

    /// The record of an episode; specials have no number.
    func episode(_ episode: CatalogueEpisode, of title: CatalogueTitle) -> JSONValue {
        .members([
            "id": .whole(episode.tvdb * 10), "url": .string("https://www.tvmaze.com/episodes/\(episode.tvdb)"),
            "name": .string(episode.name), "season": .whole(episode.season),
            "number": episode.season == 0 ? nil : .whole(episode.number), "type": "regular",
            "airdate": .string(episode.released), "airtime": "20:00", "runtime": .whole(episode.runtimeMinutes),
            "rating": .members(["average": episode.ratings.opinions.map { .figure($0.tvmaze) } ?? nil]), "image": nil,
            "summary": .string("<p>\(episode.overview)</p>"),
        ])
    }
}
