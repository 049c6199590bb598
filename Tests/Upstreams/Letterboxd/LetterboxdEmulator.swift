import JSON
import Synchronization

/// Letterboxd's API, version 0, below `/letterboxd/api/v0`. No real answers have been published, so these payloads
/// follow the documented fields.
package final class LetterboxdEmulator: EmulatedProvider {
    package static let clientID = "reelay-demo-letterboxd"
    package static let clientSecret = "reelay-demo-letterboxd-secret"
    /// The lifetime of issued tokens, in seconds.
    private static let tokenSeconds = 3_600

    package let name = UpstreamName.letterboxd
    private let catalogue: Catalogue
    private let tokens = Mutex<(issued: Int, good: Set<String>)>((0, []))

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() { revokeTokens() }

    /// Revokes all tokens issued so far.
    package func revokeTokens() { tokens.withLock { $0.good.removeAll() } }

    package func rateLimited() -> UpstreamResponse { failure("Too many requests", status: 429) }
    package func quotaUsedUp() -> UpstreamResponse { rateLimited() }
    package func failure(status: Int) -> UpstreamResponse { failure("Internal error", status: status) }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        let path = request.segments
        guard path.count >= 3, path[0] == "api", path[1] == "v0" else { return failure("Not found", status: 404) }
        let rest = Array(path.dropFirst(2))
        if rest == ["auth", "token"] { return token(request) }
        let bearer = request.header("authorization")
        let isGood = tokens.withLock { tokens in tokens.good.contains { "Bearer \($0)" == bearer } }
        guard isGood else { return failure("Unauthorized", status: 401) }
        switch (rest.first, rest.count) {
        case ("search", 1): return search(request)
        case ("films", 1): return films(request)
        case ("film", 2...3):
            let title = Int(rest[1], radix: 36).flatMap { catalogue.title(number: $0 - 1_000_000) }
            guard let title, title.letterboxd == rest[1] else {
                return failure("No film matches the specified ID", status: 404)
            }
            if rest.count == 3 { return rest[2] == "statistics" ? .json(statistics(title)) : failure("", status: 404) }
            return .json(film(title, isFull: true))
        default: return failure("Not found", status: 404)
        }
    }

    private func token(_ request: UpstreamRequest) -> UpstreamResponse {
        let form = AddressText.query(String(decoding: request.body, as: UTF8.self))
        let value = { (name: String) in form.first { $0.name == name }?.value }
        guard request.method == "POST", value("grant_type") == "client_credentials",
            value("client_id") == Self.clientID, value("client_secret") == Self.clientSecret
        else { return .json(.members(["error": "invalid_client"]), status: 400) }
        let token = tokens.withLock { tokens in
            tokens.issued += 1
            let token = "demo-letterboxd-token-\(tokens.issued)"
            tokens.good.insert(token)
            return token
        }
        return .json(
            .members([
                "access_token": .string(token), "token_type": "Bearer", "expires_in": .whole(Self.tokenSeconds),
            ]))
    }

    private func search(_ request: UpstreamRequest) -> UpstreamResponse {
        let found = catalogue.search(request.query("input") ?? "", kinds: [.movie, .series]).filter {
            $0.letterboxd != nil
        }
        return .json(
            .members([
                "items": .array(
                    found.prefix(20).map {
                        .members(["type": "FilmSearchItem", "score": 12, "film": film($0, isFull: false)])
                    })
            ]))
    }

    private func films(_ request: UpstreamRequest) -> UpstreamResponse {
        var found: [CatalogueTitle] = []
        for field in request.query where field.name == "filmId" {
            let parts = field.value.split(separator: ":", maxSplits: 1).map { String($0) }
            guard parts.count == 2 else { continue }
            let title =
                parts[0] == "imdb"
                ? catalogue.title(imdb: parts[1]) : Int(parts[1]).flatMap { catalogue.title(.movie, tmdb: $0) }
            if let title, title.letterboxd != nil, !found.contains(where: { $0.number == title.number }) {
                found.append(title)
            }
        }
        return .json(.members(["items": .array(found.map { film($0, isFull: false) })]))
    }

    private func film(_ title: CatalogueTitle, isFull: Bool) -> JSONValue {
        var links: [JSONValue] = [
            .members([
                "type": "letterboxd", "id": .text(title.letterboxd),
                "url": .string("https://letterboxd.com/film/\(title.slug)/"),
            ])
        ]
        if let tmdb = title.tmdb {
            links.append(
                .members([
                    "type": "tmdb", "id": .string(String(tmdb)), "url": .string("https://www.themoviedb.org/\(tmdb)"),
                ]))
        }
        if let imdb = title.imdb {
            links.append(
                .members([
                    "type": "imdb", "id": .string(imdb), "url": .string("http://www.imdb.com/title/\(imdb)"),
                ]))
        }
        var film = JSONValue.members([
            "id": .text(title.letterboxd), "name": .string(title.name), "releaseYear": .whole(title.year),
            "directors": .array(title.director.map { [.members(["name": .string($0)])] } ?? []),
            "poster": .members([
                "sizes": [
                    .members(["width": 70, "height": 105, "url": "https://posters.example/s.jpg"]),
                    .members(["width": 1000, "height": 1500, "url": "https://posters.example/l.jpg"]),
                ]
            ]), "genres": .array(title.genres.map { .members(["id": "aa", "name": .string($0.name)]) }),
            "links": .array(links),
        ])
        if let rating = title.opinions?.letterboxd?.rating { film = film.adding(["rating": .figure(rating)]) }
        guard isFull else { return film }
        return film.adding(["runTime": .whole(title.runtimeMinutes), "description": .string(title.overview)])
    }

    private func statistics(_ title: CatalogueTitle) -> JSONValue {
        let opinion = title.opinions?.letterboxd
        let votes = opinion?.votes ?? title.opinions.map(\.votes) ?? 0
        let counts = JSONValue.members([
            "watches": .whole(votes * 2), "likes": .whole(votes / 3), "ratings": .whole(votes), "fans": 1, "lists": 4,
            "reviews": .whole(votes / 9),
        ])
        let start = JSONValue.members([
            "film": .members(["id": .text(title.letterboxd), "name": .string(title.name)]), "counts": counts,
            "ratingsHistogram": [],
        ])
        return opinion.map { start.adding(["rating": .figure($0.rating)]) } ?? start
    }

    private func failure(_ text: String, status: Int) -> UpstreamResponse {
        .json(.members(["message": .string(text), "code": .whole(status)]), status: status)
    }
}
