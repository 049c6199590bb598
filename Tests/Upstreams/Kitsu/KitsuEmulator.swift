import JSON

/// Kitsu's JSON:API, below `/kitsu/api/edge`, without a key. Counts and codes are strings, as in the original.
package struct KitsuEmulator: EmulatedProvider {
    package let name = UpstreamName.kitsu
    private let catalogue: Catalogue

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() {}
    package func rateLimited() -> UpstreamResponse { failure("Too Many Requests", "", status: 429) }
    package func quotaUsedUp() -> UpstreamResponse { rateLimited() }
    package func failure(status: Int) -> UpstreamResponse { failure("Internal error", "", status: status) }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        let path = request.segments
        guard path.count >= 3, path[0] == "api", path[1] == "edge" else { return notFound("") }
        switch (path[2], path.count) {
        case ("anime", 3): return list(request)
        case ("anime", 4):
            guard let id = Int(path[3]), let entry = catalogue.entry(number: id - 400_000_000) else {
                return notFound(path[3])
            }
            let parts = Set((request.query("include") ?? "").split(separator: ",").map { String($0) })
            return answer(.members(["data": resource(entry), "included": .array(included(entry, parts))]))
        case ("mappings", 3): return mappings(request)
        default: return notFound("")
        }
    }

    private func list(_ request: UpstreamRequest) -> UpstreamResponse {
        var found: [CatalogueEntry] = []
        if let text = request.query("filter[text]") { found = catalogue.searchEntries(text) }
        if let id = request.query("filter[id]").flatMap({ Int($0) }) {
            found = [catalogue.entry(number: id - 400_000_000)].compactMap(\.self)
        }
        let limit = min(max(request.query("page[limit]").flatMap { Int($0) } ?? 10, 1), 20)
        return answer(
            .members([
                "data": .array(found.prefix(limit).map { resource($0) }),
                "meta": .members(["count": .whole(found.count)]), "links": .members([:]),
            ]))
    }

    /// A season at TVDb is written "267440/1": the series and the season.
    private func mappings(_ request: UpstreamRequest) -> UpstreamResponse {
        let id = request.query("filter[externalId]") ?? ""
        let number = Int(id)
        var entry: CatalogueEntry?
        switch request.query("filter[externalSite]") {
        case "myanimelist/anime": entry = number.flatMap { catalogue.entry(number: $0 - 200_000_000) }
        case "anilist/anime": entry = number.flatMap { catalogue.entry(number: $0 - 100_000_000) }
        case "anidb": entry = number.flatMap { catalogue.entry(number: $0 - 300_000_000) }
        case "thetvdb":
            let parts = id.split(separator: "/").compactMap { Int($0) }
            let title = parts.first.flatMap { catalogue.title(.series, tvdb: $0) }
            entry = title.flatMap { title in
                CatalogueEntry.entries(of: title).first { parts.count == 2 && $0.season == parts[1] }
            }
        default: break
        }
        let item = entry.map { JSONValue.members(["type": "anime", "id": .string(String($0.kitsu))]) }
        let row = JSONValue.members([
            "id": "1", "type": "mappings",
            "attributes": .members([
                "externalSite": .text(request.query("filter[externalSite]")), "externalId": .string(id),
            ]), "relationships": .members(["item": .members(["data": item ?? nil])]),
        ])
        return answer(
            .members([
                "data": entry == nil ? [] : [row], "included": .array(entry.map { [resource($0)] } ?? []),
                "meta": .members(["count": .whole(entry == nil ? 0 : 1)]),
            ]))
    }

    private func resource(_ entry: CatalogueEntry) -> JSONValue {
        let opinion = entry.opinions?.kitsu
        let votes = opinion?.votes ?? 0
        let steps = (2...20).map { step in
            let amount = step == 16 ? votes - 18 * (votes / 19) : votes / 19
            return (name: String(step), value: JSONValue.string(String(amount)))
        }
        let attributes = JSONValue.members([
            "slug": .string(entry.title.slug), "synopsis": .string(entry.title.overview),
            "titles": .members([
                "en": .string(entry.name), "en_jp": .string(entry.romaji), "ja_jp": .text(entry.native), "en_us": nil,
            ]), "canonicalTitle": .string(entry.romaji), "abbreviatedTitles": [nil],
            "averageRating": .text(opinion?.rating ?? nil),
            "ratingFrequencies": .object(JSONObject(votes > 0 ? steps : [])), "userCount": .whole(votes * 2),
            "favoritesCount": 5, "startDate": .string(entry.released), "endDate": .text(entry.ended),
            "ageRating": "PG", "subtype": entry.title.kind == .movie ? "movie" : "TV", "status": "finished",
            "posterImage": .members([
                "original": .string("https://images.example/kitsu/\(entry.kitsu).jpg"), "large": nil,
            ]), "episodeCount": .whole(entry.episodeCount), "episodeLength": .whole(entry.title.runtimeMinutes),
            "nsfw": false,
        ])
        return .members([
            "id": .string(String(entry.kitsu)), "type": "anime", "attributes": attributes,
            "relationships": .members(["mappings": .members(["data": []])]),
        ])
    }

    private func included(_ entry: CatalogueEntry, _ parts: Set<String>) -> [JSONValue] {
        var rows: [JSONValue] = []
        if parts.contains("mappings") {
            let sites: [(String, String?)] = [
                ("myanimelist/anime", "\(entry.myanimelist)"), ("anilist/anime", "\(entry.anilist)"),
                ("anidb", "\(entry.anidb)"), ("thetvdb", entry.title.tvdb.map { "\($0)/\(entry.season)" }),
            ]
            rows += sites.compactMap { site in
                site.1.map {
                    .members([
                        "id": "7", "type": "mappings",
                        "attributes": .members(["externalSite": .string(site.0), "externalId": .string($0)]),
                    ])
                }
            }
        }
        if parts.contains("genres") {
            rows += entry.title.genres.map {
                .members([
                    "id": .string(String($0.rawValue)), "type": "genres",
                    "attributes": .members(["name": .string($0.name)]),
                ])
            }
        }
        return rows
    }

    private func answer(_ value: JSONValue) -> UpstreamResponse {
        UpstreamResponse(
            status: 200, headers: [WireField("content-type", "application/vnd.api+json; charset=utf-8")],
            body: encodeJSON(value))
    }

    private func notFound(_ id: String) -> UpstreamResponse {
        failure("Record not found", "The record identified by \(id) could not be found.", status: 404)
    }

    private func failure(_ title: String, _ detail: String, status: Int) -> UpstreamResponse {
        .json(
            .members([
                "errors": [
                    .members([
                        "title": .string(title), "detail": .string(detail), "code": .string(String(status)),
                        "status": .string(String(status)),
                    ])
                ]
            ]), status: status)
    }
}
