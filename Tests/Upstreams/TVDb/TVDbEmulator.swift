import JSON
import Synchronization

/// TVDb's API, version 4, below `/tvdb/v4`: a login that issues tokens, and records without ratings.
package final class TVDbEmulator: EmulatedProvider {
    /// The accepted key.
    package static let apiKey = "reelay-demo-tvdb"

    package let name = UpstreamName.tvdb
    private let catalogue: Catalogue
    private let payloads = TVDbPayloads()
    private let tokens = Mutex<(issued: Int, good: Set<String>)>((0, []))

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() { revokeTokens() }

    /// Revokes all tokens issued so far.
    package func revokeTokens() { tokens.withLock { $0.good.removeAll() } }

    package func rateLimited() -> UpstreamResponse { failure("Too Many Requests", status: 429) }
    package func quotaUsedUp() -> UpstreamResponse { rateLimited() }
    package func failure(status: Int) -> UpstreamResponse { failure("Internal Server Error", status: status) }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        let path = request.segments
        guard path.first == "v4" else { return failure("Resource not found", status: 404) }
        if path == ["v4", "login"] { return login(request) }
        let bearer = request.header("authorization")
        let isGood = tokens.withLock { tokens in tokens.good.contains { "Bearer \($0)" == bearer } }
        guard isGood else { return failure("Unauthorized", status: 401) }
        return route(Array(path.dropFirst()), request).map { value in
            .json(.members(["status": "success", "data": value]))
        } ?? failure("Resource not found", status: 404)
    }

    private func login(_ request: UpstreamRequest) -> UpstreamResponse {
        let value = try? decodeJSON(JSONValue.self, from: request.body)
        guard request.method == "POST", value?["apikey"].string == Self.apiKey, value?["pin"].string != "" else {
            return failure("InvalidAPIKey: apikey invalid", status: 401)
        }
        let token = tokens.withLock { tokens in
            tokens.issued += 1
            let token = "demo-tvdb-token-\(tokens.issued)"
            tokens.good.insert(token)
            return token
        }
        return .json(.members(["status": "success", "data": .members(["token": .string(token)])]))
    }

    private func route(_ path: [String], _ request: UpstreamRequest) -> JSONValue? {
        if path == ["search"] { return .array(search(request)) }
        if path.count == 3, path[0] == "search", path[1] == "remoteid" { return .array(remote(path[2])) }
        guard path.count >= 2, let id = Int(path[1]) else { return nil }
        switch path[0] {
        case "series":
            guard let title = catalogue.title(.series, tvdb: id) else { return nil }
            if path.count == 3, path[2] == "extended" { return payloads.series(title) }
            if path.count >= 3, path[2] == "episodes" { return payloads.episodes(title, request) }
            return path.count == 2 ? payloads.series(title) : nil
        case "movies":
            guard let title = catalogue.title(number: id - 800_000), title.tvdbMovie == id else { return nil }
            return payloads.movie(title)
        default: return nil
        }
    }

    private func search(_ request: UpstreamRequest) -> [JSONValue] {
        let kind: CatalogueKind = request.query("type") == "movie" ? .movie : .series
        let year = request.query("year").flatMap { Int($0) }
        return catalogue.search(request.query("query") ?? "", kinds: [kind])
            .filter { (year == nil || $0.year == year) && payloads.id($0) != nil }
            .prefix(50).map { payloads.row($0) }
    }

    private func remote(_ id: String) -> [JSONValue] {
        var found = [catalogue.title(imdb: id)].compactMap(\.self)
        if let tmdb = Int(id) {
            found += [CatalogueKind.movie, .series].compactMap { catalogue.title($0, tmdb: tmdb) }
        }
        return found.compactMap { title in
            payloads.id(title).map { id in
                .members([
                    title.kind == .movie ? "movie" : "series": .members([
                        "id": .whole(id), "name": .string(title.originalName ?? title.name),
                        "slug": .string(title.slug),
                    ])
                ])
            }
        }
    }

    private func failure(_ text: String, status: Int) -> UpstreamResponse {
        .json(.members(["status": "failure", "message": .string(text), "data": nil]), status: status)
    }
}
