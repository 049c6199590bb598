import JSON

/// TMDb's API, version 3, below `/tmdb/3`.
///
/// Accepts the demo key as `api_key` or the demo token as bearer, like the original: a version 3 key is not a bearer
/// token.
package struct TMDbEmulator: EmulatedProvider {
    /// The version 3 key accepted in the query.
    package static let apiKey = "00112233445566778899aabbccddeeff"
    /// The read access token accepted as bearer.
    package static let accessToken = "reelay-demo-tmdb-token"

    package let name = UpstreamName.tmdb
    private let catalogue: Catalogue
    private let payloads = TMDbPayloads()

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() {}

    package func rateLimited() -> UpstreamResponse {
        failure(429, code: 25, "Your request count (#) is over the allowed limit of (40).")
    }

    package func quotaUsedUp() -> UpstreamResponse { rateLimited() }

    package func failure(status: Int) -> UpstreamResponse {
        failure(status, code: 11, "Internal error: Something went wrong, contact TMDb.")
    }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        let segments = request.segments
        guard segments.first == "3" else { return notFound() }
        guard isAuthorized(request) else {
            return failure(401, code: 7, "Invalid API key: You must be granted a valid key.")
        }
        guard request.method == "GET" else {
            return failure(405, code: 12, "This request method is not supported for this resource.")
        }
        let answer = route(Array(segments.dropFirst()), request)
        return answer.status == 200 ? answer.validated(for: request, cacheControl: "public, max-age=18000") : answer
    }

    private func isAuthorized(_ request: UpstreamRequest) -> Bool {
        if let key = request.query("api_key") { return key == Self.apiKey }
        return request.header("authorization") == "Bearer \(Self.accessToken)"
    }

    private func route(_ path: [String], _ request: UpstreamRequest) -> UpstreamResponse {
        let ids = path.map { Int($0) }
        switch (path.first, path.count) {
        case ("search", 2): return search(path[1], request)
        case ("find", 2): return find(path[1], request)
        case ("configuration", 1): return .json(payloads.configuration)
        case ("movie", 2...3), ("tv", 2...):
            let kind: CatalogueKind = path[0] == "movie" ? .movie : .series
            guard let id = ids[1], let title = catalogue.title(kind, tmdb: id) else { return notFound() }
            if path.count == 2 { return .json(payloads.details(title, appending: appended(request))) }
            if path.count == 3 {
                return payloads.part(path[2], of: title).map { .json($0.adding(["id": .whole(id)])) } ?? notFound()
            }
            return season(of: title, Array(path.dropFirst(2)), request)
        default: return notFound()
        }
    }

    private func appended(_ request: UpstreamRequest) -> [String] {
        (request.query("append_to_response") ?? "").split(separator: ",").prefix(20).map { String($0) }
    }

    private func season(of title: CatalogueTitle, _ path: [String], _ request: UpstreamRequest) -> UpstreamResponse {
        guard title.kind == .series, path[0] == "season", let number = Int(path[1]),
            let season = title.seasons.first(where: { $0.number == number })
        else { return notFound() }
        if path.count == 2 { return .json(payloads.season(season, of: title)) }
        guard path.count == 4, path[2] == "episode", let place = Int(path[3]),
            let episode = season.episodes.first(where: { $0.number == place })
        else { return notFound() }
        return .json(payloads.episodeDetails(episode, of: title, appending: appended(request)))
    }

    private func search(_ what: String, _ request: UpstreamRequest) -> UpstreamResponse {
        guard what == "movie" || what == "tv" else { return notFound() }
        guard let query = request.query("query"), !query.isEmpty else {
            return .json(.members(["errors": ["query must be provided"]]), status: 422)
        }
        let page = request.query("page").map { Int($0) ?? 0 } ?? 1
        guard (1...500).contains(page) else {
            let text = "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."
            return failure(400, code: 22, text)
        }
        let yearNames = what == "movie" ? ["primary_release_year", "year"] : ["first_air_date_year", "year"]
        let year = yearNames.compactMap { request.query($0) }.first.flatMap { Int($0) }
        let found = catalogue.search(query, kinds: [what == "movie" ? .movie : .series]).filter {
            $0.tmdb != nil && (year == nil || $0.year == year)
        }
        let rows = found.dropFirst((page - 1) * 20).prefix(20).map { payloads.row($0) }
        return .json(
            .members([
                "page": .whole(page), "results": .array(rows), "total_pages": .whole(max(1, (found.count + 19) / 20)),
                "total_results": .whole(found.count),
            ]))
    }

    private func find(_ id: String, _ request: UpstreamRequest) -> UpstreamResponse {
        var title: CatalogueTitle?
        var episode: (series: CatalogueTitle, episode: CatalogueEpisode)?
        switch request.query("external_source") {
        case "imdb_id":
            title = catalogue.title(imdb: id).flatMap { $0.quirks.contains(.withoutIMDbAtTMDb) ? nil : $0 }
            episode = catalogue.episode(imdb: id)
        case "tvdb_id": title = Int(id).flatMap { catalogue.title(.series, tvdb: $0) }
        case "wikidata_id", "facebook_id", "instagram_id", "twitter_id": break
        default: return failure(400, code: 5, "Invalid parameters: Your request parameters are incorrect.")
        }
        if title?.tmdb == nil { title = nil }
        return .json(payloads.found(title, episode: episode))
    }

    private func notFound() -> UpstreamResponse {
        failure(404, code: 34, "The resource you requested could not be found.")
    }

    private func failure(_ status: Int, code: Int, _ message: String) -> UpstreamResponse {
        .json(
            .members(["status_code": .whole(code), "status_message": .string(message), "success": false]),
            status: status)
    }
}
