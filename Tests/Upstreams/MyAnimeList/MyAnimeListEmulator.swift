import JSON

/// MyAnimeList's API, version 2, below `/myanimelist/v2`. Only the members that `fields` names are sent.
package struct MyAnimeListEmulator: EmulatedProvider {
    /// The accepted client id.
    package static let clientID = "reelay-demo-myanimelist"

    package let name = UpstreamName.myanimelist
    private let catalogue: Catalogue

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() {}
    package func rateLimited() -> UpstreamResponse { failure("too_many_requests", "", status: 429) }
    /// The answer of the firewall in front, an HTML page.
    package func quotaUsedUp() -> UpstreamResponse { .html("403 Forbidden", status: 403) }
    package func failure(status: Int) -> UpstreamResponse { failure("internal_error", "", status: status) }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        guard request.header("x-mal-client-id") == Self.clientID else {
            return failure("bad_request", "Invalid client id", status: 400)
        }
        let path = request.segments
        guard path.count >= 2, path[0] == "v2", path[1] == "anime" else { return failure("not_found", "", status: 404) }
        let fields = Set((request.query("fields") ?? "").split(separator: ",").map { String($0) })
        if path.count == 2 { return search(request, fields) }
        guard let id = Int(path[2]), let entry = catalogue.entry(number: id - 200_000_000) else {
            return failure("not_found", "", status: 404)
        }
        return .json(record(entry, fields))
    }

    private func search(_ request: UpstreamRequest, _ fields: Set<String>) -> UpstreamResponse {
        let query = request.query("q") ?? ""
        guard (3...64).contains(query.count) else { return failure("bad_request", "invalid q", status: 400) }
        let limit = request.query("limit").flatMap { Int($0) } ?? 100
        let found = catalogue.searchEntries(query).prefix(min(max(limit, 1), 100))
        return .json(
            .members([
                "data": .array(found.map { .members(["node": record($0, fields)]) }), "paging": .members([:]),
            ]))
    }

    private func record(_ entry: CatalogueEntry, _ fields: Set<String>) -> JSONValue {
        let opinion = entry.opinions?.myanimelist
        let all: KeyValuePairs<String, JSONValue> = [
            "id": .whole(entry.myanimelist), "title": .string(entry.romaji),
            "main_picture": .members([
                "medium": .string("https://images.example/mal/\(entry.myanimelist).jpg"),
                "large": .string("https://images.example/mal/\(entry.myanimelist)l.jpg"),
            ]),
            "alternative_titles": .members([
                "synonyms": [], "en": .string(entry.name), "ja": .string(entry.native ?? ""),
            ]),
            "start_date": .string(entry.released), "end_date": .string(entry.ended ?? ""),
            "synopsis": .string(entry.title.overview), "mean": opinion.map { .figure($0.mean) } ?? nil,
            "num_list_users": .whole((opinion?.votes ?? 0) * 2), "num_scoring_users": .whole(opinion?.votes ?? 0),
            "media_type": entry.title.kind == .movie ? "movie" : "tv", "status": "finished_airing",
            "genres": .array(
                entry.title.genres.map { .members(["id": .whole($0.rawValue), "name": .string($0.name)]) }),
            "num_episodes": .whole(entry.episodeCount),
            "average_episode_duration": .whole(entry.title.runtimeMinutes * 60), "rating": "pg_13",
        ]
        let always: Set<String> = ["id", "title", "main_picture"]
        return .object(
            JSONObject(
                all.filter {
                    (always.contains($0.key) || fields.contains($0.key)) && !($0.key == "mean" && $0.value.isNull)
                }
                .map { (name: $0.key, value: $0.value) }))
    }

    private func failure(_ error: String, _ message: String, status: Int) -> UpstreamResponse {
        .json(.members(["message": .string(message), "error": .string(error)]), status: status)
    }
}
