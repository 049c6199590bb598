import JSON

/// AniList's GraphQL API, below `/anilist`, without a key. It recognizes known clients' queries by their variables
/// rather than parsing the language; errors appear in the body beside `"data": null`.
package struct AniListEmulator: EmulatedProvider {
    package let name = UpstreamName.anilist
    private let catalogue: Catalogue

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() {}
    package func rateLimited() -> UpstreamResponse { failure("Too Many Requests.", status: 429) }
    /// The answer while the whole service is switched off.
    package func quotaUsedUp() -> UpstreamResponse {
        failure("The AniList API has been temporarily disabled.", status: 403)
    }
    package func failure(status: Int) -> UpstreamResponse { failure("Internal Server Error", status: status) }

    /// Errors with status 200, as GraphQL allows.
    package static let errorsInSuccess = UpstreamResponse.json(
        .members([
            "data": nil,
            "errors": [.members(["message": "Internal Server Error", "status": 500, "locations": []])],
        ]))

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        guard request.method == "POST", let body = try? decodeJSON(JSONValue.self, from: request.body),
            let query = body["query"].string
        else { return failure("The query is missing", status: 400) }
        let variables = body["variables"]
        if variables["search"].string != nil || query.contains("Page(") { return page(variables) }
        let id = variables["id"].int.map { $0 - 100_000_000 } ?? variables["idMal"].int.map { $0 - 200_000_000 }
        guard let entry = id.flatMap({ catalogue.entry(number: $0) }) else {
            return failure("Not Found.", status: 404)
        }
        return .json(.members(["data": .members(["Media": media(entry)])]), headers: limits)
    }

    private func page(_ variables: JSONValue) -> UpstreamResponse {
        let found = catalogue.searchEntries(variables["search"].string ?? "")
        let count = variables["perPage"].int ?? 50
        let page = JSONValue.members([
            "pageInfo": .members(["total": 5_000, "lastPage": 250, "hasNextPage": .bool(found.count > count)]),
            "media": .array(found.prefix(max(count, 1)).map { media($0) }),
        ])
        return .json(.members(["data": .members(["Page": page])]), headers: limits)
    }

    private let limits = [WireField("x-ratelimit-limit", "30"), WireField("x-ratelimit-remaining", "29")]

    private func media(_ entry: CatalogueEntry) -> JSONValue {
        let opinion = entry.opinions?.anilist
        let parts = distribution(opinion?.votes ?? 0)
        return .members([
            "id": .whole(entry.anilist), "idMal": .whole(entry.myanimelist),
            "format": entry.title.kind == .movie ? "MOVIE" : "TV",
            "siteUrl": .string("https://anilist.co/anime/\(entry.anilist)"),
            "title": .members([
                "romaji": .string(entry.romaji), "english": .string(entry.name), "native": .text(entry.native),
            ]), "synonyms": [], "startDate": day(entry.released), "endDate": day(entry.ended ?? ""),
            "duration": .whole(entry.title.runtimeMinutes),
            "description": .string("\(entry.title.overview)<br><br>\n<i>Note: invented.</i>"),
            "genres": .array(entry.title.genres.filter { $0 != .animation }.map { .string($0.name) }),
            "countryOfOrigin": "JP", "averageScore": .whole(opinion?.score ?? nil),
            "meanScore": .whole(opinion?.score.map { $0 + 1 } ?? 50), "popularity": .whole((opinion?.votes ?? 0) * 3),
            "coverImage": .members([
                "extraLarge": .string("https://images.example/anilist/\(entry.anilist).png"), "large": nil,
            ]), "isAdult": false,
            "stats": .members(["scoreDistribution": .array(parts)]),
        ])
    }

    /// Ten rows whose amounts add up to the votes.
    private func distribution(_ votes: Int) -> [JSONValue] {
        (1...10).map { place in
            let amount = place == 8 ? votes - 9 * (votes / 10) : votes / 10
            return .members(["score": .whole(place * 10), "amount": .whole(amount)])
        }
    }

    private func day(_ text: String) -> JSONValue {
        let parts = text.split(separator: "-").map { Int($0) }
        return .members([
            "year": .whole(parts.first ?? nil), "month": .whole(parts.count > 1 ? parts[1] : nil),
            "day": .whole(parts.count > 2 ? parts[2] : nil),
        ])
    }

    private func failure(_ message: String, status: Int) -> UpstreamResponse {
        let error = JSONValue.members([
            "message": .string(message), "status": .whole(status), "locations": [.members(["line": 1, "column": 1])],
        ])
        return .json(.members(["errors": [error], "data": nil]), status: status)
    }
}
