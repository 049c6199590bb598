import JSON

/// Trakt's public API, below `/trakt`, for callers that send the client id. What does not exist is 404 without a body.
package struct TraktEmulator: EmulatedProvider {
    /// The accepted client id.
    package static let clientID = TraktOAuth.clientID

    package let name = UpstreamName.trakt
    private let catalogue: Catalogue
    private let payloads = TraktPayloads()

    /// The accounts of people at Trakt.
    private let accounts: TraktAccounts

    package init(catalogue: Catalogue, accounts: TraktAccounts = TraktAccounts()) {
        self.catalogue = catalogue
        self.accounts = accounts
    }

    package func reset() { accounts.reset() }
    package func rateLimited() -> UpstreamResponse {
        let state = "{\"name\":\"UNAUTHED_API_GET_LIMIT\",\"period\":300,\"limit\":1000,\"remaining\":0}"
        return .empty(429, headers: [WireField("x-ratelimit", state)])
    }
    package func quotaUsedUp() -> UpstreamResponse { rateLimited() }
    package func failure(status: Int) -> UpstreamResponse { .html("\(status) error", status: status) }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        let segments = request.segments
        // A separate host in the original; requests for it are refused here.
        if segments.first == "auth" { return accounts.tokens.answer(request, path: Array(segments.dropFirst())) }
        if segments.first == "oauth" { return .empty(400) }
        guard request.header("trakt-api-key") == Self.clientID, request.header("trakt-api-version") == "2" else {
            return .empty(403)
        }
        if let answer = accounts.answer(request) { return answer }
        let path = request.segments
        switch (path.first, path.count) {
        case ("search", 2): return search(path[1], request)
        case ("search", 3): return lookup(path[1], path[2], request)
        case ("movies", 2...), ("shows", 2...):
            let kind: CatalogueKind = path[0] == "movies" ? .movie : .series
            guard let title = title(path[1], kind: kind) else { return .empty(404) }
            return route(title, Array(path.dropFirst(2)), request)
        default: return .empty(404)
        }
    }

    private func title(_ key: String, kind: CatalogueKind) -> CatalogueTitle? {
        let title =
            Int(key).flatMap { id in
                catalogue.title(number: id - 500_000_000).flatMap { $0.trakt == id ? $0 : nil }
            } ?? catalogue.title(imdb: key) ?? catalogue.titles.first { $0.slug == key }
        return title.flatMap { $0.kind == kind ? $0 : nil }
    }

    private func route(_ title: CatalogueTitle, _ path: [String], _ request: UpstreamRequest) -> UpstreamResponse {
        let isFull = request.query("extended")?.contains("full") == true
        switch path.count {
        case 0: return .json(payloads.title(title, isFull: isFull))
        case 1 where path[0] == "ratings":
            return UpstreamResponse.json(payloads.ratings(title, all: request.query("extended") == "all"))
                .validated(for: request, cacheControl: "private, max-age=0, must-revalidate")
        case 1 where path[0] == "seasons":
            return .json(.array(title.seasons.map { payloads.season($0, of: title, isFull: isFull) }))
        case 4 where path[0] == "seasons" && path[2] == "episodes":
            let found = title.seasons.flatMap(\.episodes).first {
                path[1] == String($0.season) && path[3] == String($0.number)
            }
            return found.map { .json(payloads.episode($0, isFull: isFull)) } ?? .empty(404)
        default: return .empty(404)
        }
    }

    private func search(_ what: String, _ request: UpstreamRequest) -> UpstreamResponse {
        let kind: CatalogueKind = what == "show" ? .series : .movie
        // Either a single year or a range.
        let years = request.query("years")?.split(separator: "-").compactMap { Int($0) } ?? []
        let found = catalogue.search((request.query("query") ?? "").replacing("\\", with: ""), kinds: [kind]).filter {
            guard $0.trakt != nil, let first = years.first, let last = years.last else { return $0.trakt != nil }
            return $0.year.map { first <= $0 && $0 <= last } ?? false
        }
        return .json(.array(found.prefix(50).map { row($0, score: .figure("26.019499")) }))
    }

    /// Answers a lookup by id. Without a type, TMDb's and TVDb's ids match titles of every kind.
    private func lookup(_ place: String, _ id: String, _ request: UpstreamRequest) -> UpstreamResponse {
        var found: [CatalogueTitle] = []
        switch place {
        case "imdb": found = [catalogue.title(imdb: id)].compactMap(\.self)
        case "tmdb":
            found = [CatalogueKind.series, .movie].compactMap { kind in
                Int(id).flatMap { catalogue.title(kind, tmdb: $0) }
            }
        case "tvdb": found = [Int(id).flatMap { catalogue.title(.series, tvdb: $0) }].compactMap(\.self)
        default: break
        }
        let type = request.query("type")
        let fitting = found.filter { type == nil || type == ($0.kind == .movie ? "movie" : "show") }
        return .json(.array(fitting.filter { $0.trakt != nil }.map { row($0, score: nil) }))
    }

    private func row(_ title: CatalogueTitle, score: JSONValue) -> JSONValue {
        let type = title.kind == .movie ? "movie" : "show"
        return JSONValue.members(["type": .string(type), "score": score]).adding([
            type == "movie" ? "movie" : "show": payloads.title(title, isFull: true)
        ])
    }
}

/// Builds Trakt's payloads from catalogue titles.
struct TraktPayloads: Sendable {
    func title(_ title: CatalogueTitle, isFull: Bool) -> JSONValue {
        let start = JSONValue.members([
            "title": .string(title.name), "year": .whole(title.year),
            "ids": .members([
                "trakt": .whole(title.trakt), "slug": .string(title.slug), "tvdb": .whole(title.tvdb),
                "imdb": .text(title.imdb), "tmdb": .whole(title.tmdb), "tvrage": nil,
            ]),
        ])
        guard isFull else { return start }
        let date: JSONValue = title.released.isEmpty ? nil : .string(title.released)
        let moment: JSONValue = title.released.isEmpty ? nil : .string("\(title.released)T21:00:00.000Z")
        let genres = title.genres.map { JSONValue.string(Catalogue.words($0.name).joined(separator: "-")) }
        return start.adding([
            "tagline": "", "overview": .string(title.overview),
            title.kind == .movie ? "released" : "first_aired": title.kind == .movie ? date : moment,
            "runtime": .whole(title.runtimeMinutes), "country": .string(title.country.lowercased()),
            "status": title.kind == .movie ? "released" : "ended", "language": .string(title.language),
            "genres": .array((title.isAnime ? ["anime"] : []) + genres),
            "certification": .text(title.certification),
            "original_title": .string(title.originalName ?? title.name), "comment_count": 3,
        ]).adding(own(title.opinions))
    }

    func season(_ season: CatalogueSeason, of title: CatalogueTitle, isFull: Bool) -> JSONValue {
        let start = JSONValue.members([
            "number": .whole(season.number),
            "ids": .members([
                "trakt": .whole((title.number ?? 0) * 100 + season.number), "tvdb": nil, "tmdb": nil,
            ]),
        ])
        guard isFull else { return start }
        return start.adding([
            "title": .string(season.name), "overview": nil, "first_aired": .string("\(season.released)T21:00:00.000Z"),
            "episode_count": .whole(season.episodes.count), "aired_episodes": .whole(season.episodes.count),
        ]).adding(own(season.episodes.first?.ratings.opinions))
    }

    func episode(_ episode: CatalogueEpisode, isFull: Bool) -> JSONValue {
        let start = JSONValue.members([
            "season": .whole(episode.season), "number": .whole(episode.number), "title": .string(episode.name),
            "ids": .members([
                "trakt": .whole(episode.tmdb + 50_000_000), "tvdb": .whole(episode.tvdb), "imdb": .string(episode.imdb),
                "tmdb": .whole(episode.tmdb),
            ]),
        ])
        guard isFull else { return start }
        return start.adding([
            "number_abs": nil, "overview": .string(episode.overview), "runtime": .whole(episode.runtimeMinutes),
            "first_aired": .string("\(episode.released)T21:00:00.000Z"),
        ]).adding(own(episode.ratings.opinions))
    }

    /// Trakt's own ratings, or with `all` one block for each source, each on its own scale.
    func ratings(_ title: CatalogueTitle, all: Bool) -> JSONValue {
        let distribution = JSONValue.members(["distribution": .members(["1": 1, "7": 20, "10": 12])])
        let own = JSONValue.members([:]).adding(own(title.opinions)).merged(with: distribution)
        guard all else { return own }
        let ratings = title.ratings
        let link = JSONValue.string("https://www.imdb.com/title/\(title.imdb ?? "")")
        var blocks = JSONValue.members([
            "trakt": own,
            "tmdb": block(ratings.tmdb?.average, ratings.tmdb?.votes, .string("https://www.themoviedb.org")),
            "imdb": block(ratings.imdb?.average, ratings.imdb?.votes, link),
            "metascore": .members(["rating": .whole(ratings.metacritic), "link": link]),
            "rotten_tomatoes": .members([
                "rating": .whole(ratings.tomatoes), "state": ratings.tomatoes == nil ? nil : "fresh",
                "user_rating": .whole(ratings.audience), "user_state": ratings.audience == nil ? nil : "upright",
                "link": .string("https://www.rottentomatoes.com/m/\(title.slug)"),
            ]),
            "mal": block(
                title.isAnime ? title.opinions?.myanimelist.mean : nil,
                title.isAnime ? title.opinions?.myanimelist.votes : nil,
                nil),
        ])
        if title.kind == .movie {
            let letterboxd = title.opinions?.letterboxd
            blocks = blocks.adding(["letterboxd": block(letterboxd?.rating, letterboxd?.votes, nil)])
        }
        return blocks
    }

    private func own(_ opinions: CatalogueOpinions?) -> KeyValuePairs<String, JSONValue> {
        ["rating": opinions.map { .figure($0.trakt.rating) } ?? 0, "votes": .whole(opinions?.trakt.votes ?? 0)]
    }

    private func block(_ rating: String?, _ votes: Int?, _ link: JSONValue) -> JSONValue {
        .members(["rating": rating.map { .figure($0) } ?? nil, "votes": .whole(votes ?? 0), "link": link])
    }
}

extension JSONValue {
    /// This object followed by the members of another.
    func merged(with other: JSONValue) -> JSONValue {
        guard case .object(let first) = self, case .object(let second) = other else { return self }
        return .object(JSONObject(first.members + second.members))
    }
}
