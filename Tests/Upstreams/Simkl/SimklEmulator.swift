import JSON

/// Simkl, below `/simkl`, for callers that identify themselves in every call.
package struct SimklEmulator: EmulatedProvider {
    /// The accepted client id.
    package static let clientID = "reelay-demo-simkl"

    package let name = UpstreamName.simkl
    private let catalogue: Catalogue
    private let accounts: SimklAccounts

    package init(catalogue: Catalogue, accounts: SimklAccounts = SimklAccounts()) {
        self.catalogue = catalogue
        self.accounts = accounts
    }

    package func reset() { accounts.reset() }
    package func rateLimited() -> UpstreamResponse { failure("rate_limit", status: 429) }
    package func quotaUsedUp() -> UpstreamResponse { failure("client_id_failed", status: 412) }
    package func failure(status: Int) -> UpstreamResponse { failure("internal", status: status) }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        // The pages for people need no identification.
        if request.segments.first == "pin" || request.segments == ["oauth2", "authorize"],
            let page = accounts.answer(request)
        {
            return page
        }
        // The PIN routes require only the client id; current clients send no more there.
        let isNamed = request.query("app-name") != nil && request.query("app-version") != nil
        guard request.query("client_id") == Self.clientID, isNamed || request.segments.first == "oauth" else {
            return failure("client_id_failed", status: 412)
        }
        if let answer = accounts.answer(request) { return answer }
        let path = request.segments
        switch (path.first, path.count) {
        case ("search", 2): return path[1] == "id" ? lookup(request) : search(path[1], request)
        case ("tv", 3) where path[1] == "episodes", ("anime", 3) where path[1] == "episodes":
            guard let title = title(path[2]) else { return failure("id_err", status: 404) }
            return .json(.array(title.seasons.flatMap(\.episodes).map { episode($0) }))
        case ("movies", 2), ("tv", 2), ("anime", 2):
            guard let title = title(path[1]), (title.kind == .movie) == (path[0] == "movies") else {
                return failure("id_err", status: 404)
            }
            return .json(record(title, isFull: request.query("extended") == "full", idName: "simkl"))
        default: return failure("url_failed", status: 404)
        }
    }

    private func title(_ key: String) -> CatalogueTitle? {
        if let id = Int(key) { return catalogue.title(number: id - 600_000_000).flatMap { $0.simkl == id ? $0 : nil } }
        return catalogue.title(imdb: key).flatMap { $0.simkl == nil ? nil : $0 }
    }

    private func search(_ what: String, _ request: UpstreamRequest) -> UpstreamResponse {
        let kind: CatalogueKind = what == "movie" ? .movie : .series
        let found = catalogue.search(request.query("q") ?? "", kinds: [kind]).filter { $0.simkl != nil }
        return .json(
            .array(
                found.prefix(10).map {
                    record($0, isFull: request.query("extended") == "full", idName: "simkl_id").adding([
                        "endpoint_type": .string(what == "movie" ? "movies" : $0.isAnime ? "anime" : "tv")
                    ])
                }))
    }

    private func lookup(_ request: UpstreamRequest) -> UpstreamResponse {
        let number = { (name: String) in request.query(name).flatMap { Int($0) } }
        var title = request.query("imdb").flatMap { catalogue.title(imdb: $0) }
        if title == nil, let tvdb = number("tvdb") { title = catalogue.title(.series, tvdb: tvdb) }
        if title == nil, let tmdb = number("tmdb") {
            title = catalogue.title(request.query("type") == "movie" ? .movie : .series, tmdb: tmdb)
        }
        let entry =
            number("mal").flatMap { catalogue.entry(number: $0 - 200_000_000) }
            ?? number("anidb").flatMap { catalogue.entry(number: $0 - 300_000_000) }
            ?? number("anilist").flatMap { catalogue.entry(number: $0 - 100_000_000) }
            ?? number("kitsu").flatMap { catalogue.entry(number: $0 - 400_000_000) }
        guard let found = title ?? entry?.title, found.simkl != nil else { return .json([]) }
        return .json(.array([record(found, isFull: false, idName: "simkl")]))
    }

    /// Without `extended=full`, a record has neither ratings nor other providers' ids; those ids are strings.
    private func record(_ title: CatalogueTitle, isFull: Bool, idName: String) -> JSONValue {
        let type = title.kind == .movie ? "movie" : title.isAnime ? "anime" : idName == "simkl" ? "show" : "tv"
        var ids: [(name: String, value: JSONValue)] = [
            (idName, .whole(title.simkl)), ("slug", .string(title.slug)),
        ]
        let first = CatalogueEntry.entries(of: title).first
        if isFull {
            let others: [(String, String?)] = [
                ("imdb", title.imdb), ("tmdb", title.tmdb.map { "\($0)" }), ("tvdb", title.tvdb.map { "\($0)" }),
                ("mal", first.map { "\($0.myanimelist)" }), ("anidb", first.map { "\($0.anidb)" }),
                ("anilist", first.map { "\($0.anilist)" }), ("kitsu", first.map { "\($0.kitsu)" }),
            ]
            ids += others.compactMap { other in other.1.map { (name: other.0, value: .string($0)) } }
        }
        let start = JSONValue.members([
            "title": .string(title.isAnime ? title.romaji ?? title.name : title.name), "year": .whole(title.year),
            "type": .string(type), "ids": .object(JSONObject(ids)), "poster": "12/123456789abcdef",
        ])
        guard isFull else { return start }
        var blocks: [(name: String, value: JSONValue)] = []
        if let opinions = title.opinions {
            blocks.append(("simkl", block(opinions.simkl.rating, opinions.simkl.votes)))
            if title.isAnime {
                blocks.append(("mal", block(opinions.myanimelist.mean, opinions.myanimelist.votes / 2)))
            }
        }
        // Simkl's copy of IMDb's figures is outdated.
        if let imdb = title.ratings.imdb { blocks.append(("imdb", block(imdb.average, imdb.votes / 2))) }
        return start.adding([
            "en_title": title.isAnime ? .string(title.name) : nil, "rank": nil,
            title.kind == .movie ? "released" : "first_aired": .string(title.released),
            "runtime": .whole(title.runtimeMinutes), "certification": .text(title.certification),
            "overview": .string(title.overview), "genres": .array(title.genres.map { .string($0.name) }),
            "country": .string(title.country), "status": "ended", "ratings": .object(JSONObject(blocks)),
            "trailers": nil,
        ])
    }

    private func episode(_ episode: CatalogueEpisode) -> JSONValue {
        .members([
            "title": .string(episode.name), "description": .string(episode.overview), "season": .whole(episode.season),
            "episode": .whole(episode.number), "type": "episode", "img": nil,
            "date": .string("\(episode.released)T00:00:00-05:00"), "aired": true,
            "ids": .members(["simkl_id": .whole(episode.tmdb + 60_000_000)]),
        ])
    }

    private func block(_ rating: String, _ votes: Int) -> JSONValue {
        .members(["rating": .figure(rating), "votes": .whole(votes)])
    }

    private func failure(_ error: String, status: Int) -> UpstreamResponse {
        .json(.members(["error": .string(error), "code": .whole(status), "message": ""]), status: status)
    }
}
