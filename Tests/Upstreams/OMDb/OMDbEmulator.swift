import JSON

/// OMDb, below `/omdb/`. Almost every failure is HTTP 200 with `"Response":"False"`, and an exhausted daily quota is
/// the same 401 as a wrong key, as in the original.
package struct OMDbEmulator: EmulatedProvider {
    /// The accepted key.
    package static let apiKey = "reelaydemo"

    package let name = UpstreamName.omdb
    private let catalogue: Catalogue
    private let payloads = OMDbPayloads()

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() {}

    package func rateLimited() -> UpstreamResponse { failure("Too many requests.", status: 429) }

    package func quotaUsedUp() -> UpstreamResponse { failure("Request limit reached!", status: 401) }

    package func failure(status: Int) -> UpstreamResponse { .html("\(status) error", status: status) }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        guard request.path == "/" else { return .html("404 Not Found", status: 404) }
        guard let key = request.query("apikey"), !key.isEmpty else {
            return failure("No API key provided.", status: 401)
        }
        guard key == Self.apiKey else { return failure("Invalid API key!", status: 401) }
        if let id = request.query("i") { return byID(id, request) }
        if let name = request.query("t") { return byName(name, request) }
        if let query = request.query("s") { return search(query, request) }
        return failure("Incorrect IMDb ID.")
    }

    private func byID(_ id: String, _ request: UpstreamRequest) -> UpstreamResponse {
        guard id.hasPrefix("tt"), id.utf8.count >= 9, id.dropFirst(2).allSatisfy(\.isNumber) else {
            return failure("Incorrect IMDb ID.")
        }
        if let found = catalogue.episode(imdb: id) { return .json(payloads.episode(found.episode, of: found.series)) }
        guard let title = known().first(where: { $0.imdb == id }) else { return failure("Error getting data.") }
        return record(title, request)
    }

    private func byName(_ name: String, _ request: UpstreamRequest) -> UpstreamResponse {
        let kinds = kinds(request)
        let year = request.query("y").flatMap { Int($0) }
        let wanted = name.lowercased()
        let matching = known().filter { kinds.contains($0.kind) && (year == nil || $0.year == year) }
        let exact = matching.first { $0.name.lowercased() == wanted }
        let loose = catalogue.search(name, kinds: kinds).first { title in matching.contains { $0.imdb == title.imdb } }
        guard let title = exact ?? loose else {
            return failure(kinds == [.series] ? "Series not found!" : "Movie not found!")
        }
        return record(title, request)
    }

    private func record(_ title: CatalogueTitle, _ request: UpstreamRequest) -> UpstreamResponse {
        guard let number = request.query("Season") else { return .json(payloads.record(title)) }
        guard title.kind == .series, let season = title.seasons.first(where: { String($0.number) == number }) else {
            return failure("Series or season not found!")
        }
        guard let place = request.query("Episode") else { return .json(payloads.season(season, of: title)) }
        guard let episode = season.episodes.first(where: { String($0.number) == place }) else {
            return failure("Series or episode not found!")
        }
        return .json(payloads.episode(episode, of: title))
    }

    private func search(_ query: String, _ request: UpstreamRequest) -> UpstreamResponse {
        guard query.utf8.count >= 3 else { return failure("Too many results.") }
        let year = request.query("y").flatMap { Int($0) }
        let ids = Set(known().compactMap(\.imdb))
        let found = catalogue.search(query, kinds: kinds(request)).filter { title in
            title.imdb.map(ids.contains) == true && (year == nil || title.year == year)
        }
        let page = request.query("page").flatMap { Int($0) } ?? 1
        let rows = found.dropFirst((max(page, 1) - 1) * 10).prefix(10)
        guard (1...100).contains(page), !rows.isEmpty else { return failure("Movie not found!") }
        return .json(
            .members([
                "Search": .array(rows.map { payloads.row($0) }), "totalResults": .string(String(found.count)),
                "Response": "True",
            ]))
    }

    private func known() -> [CatalogueTitle] {
        catalogue.titles.filter { $0.imdb != nil && !$0.quirks.contains(.absentAtOMDb) }
    }

    private func kinds(_ request: UpstreamRequest) -> Set<CatalogueKind> {
        switch request.query("type") {
        case "movie": [.movie]
        case "series": [.series]
        case "game": [.game]
        case nil, "": [.movie, .series, .game]
        default: []
        }
    }

    private func failure(_ text: String, status: Int = 200) -> UpstreamResponse {
        .json(.members(["Response": "False", "Error": .string(text)]), status: status)
    }
}
