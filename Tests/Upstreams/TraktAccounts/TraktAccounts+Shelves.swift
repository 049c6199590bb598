import FoundationEssentials
import JSON

/// Ratings, watchlist, collection and last activities, as the original answers them.
extension TraktAccounts {
    static let shelves = ["ratings", "watchlist", "collection"]
    static let stampNames = ["ratings": "rated_at", "watchlist": "watchlisted_at", "collection": "collected_at"]

    /// A timestamp to the millisecond, as everything but plays is read back.
    static func exactStamp(_ seconds: Double) -> String {
        let whole = seconds.rounded(.down)
        let text = Date(timeIntervalSince1970: whole).formatted(.iso8601)
        let millis = Int((seconds - whole) * 1_000)
        return "\(text.dropLast()).\(String(millis + 1_000).dropFirst())Z"
    }

    // MARK: Writing

    /// `/sync/{shelf}` and `/sync/{shelf}/remove`.
    static func write(
        shelf: String, removes: Bool, _ account: String, _ body: JSONValue, _ now: Double, _ state: inout State
    ) -> UpstreamResponse {
        var counts: [String: Int] = [:], existing: [String: Int] = [:], updated: [String: Int] = [:]
        var unknown: [String: [JSONValue]] = [:]
        if !removes, isFull(shelf, account, body, state) {
            return .empty(420, headers: [WireField("x-account-limit", "\(state.behaviour.shelfMax)")])
        }
        for (plural, kind) in TraktShelves.kinds {
            for item in items(body, plural, kind, state) {
                let rating = item.told["rating"].int
                guard let entity = item.entity, shelf != "ratings" || removes || (1...10).contains(rating ?? 0) else {
                    unknown[plural, default: []].append(item.told)
                    continue
                }
                let isNew: Bool
                let before = state.shelves.shown(account, shelf, kind, at: .infinity.nextDown).first {
                    $0.item.key == entity.key
                }
                if removes {
                    isNew = state.shelves.take(account, shelf, kind, entity.key, at: now) != nil
                } else {
                    isNew = put(item.told, entity, shelf, kind, account, now, &state)
                }
                if isNew || (shelf == "ratings" && !removes) {
                    counts[plural, default: 0] += 1
                    state.shelves.happened(account, plural, stampNames[shelf] ?? "", at: now)
                } else if shelf == "collection", !removes,
                    before?.value["metadata"] != TraktShelves.metadata(item.told)
                {
                    updated[plural, default: 0] += 1
                    state.shelves.happened(account, plural, stampNames[shelf] ?? "", at: now)
                } else {
                    existing[plural, default: 0] += 1
                }
            }
        }
        let told = JSONValue.members([
            removes ? "deleted" : "added": counted(counts), "not_found": listed(unknown),
        ])
        if removes { return .json(told) }
        let all = told.adding(["existing": counted(existing)])
        return .json(shelf == "collection" ? all.adding(["updated": counted(updated)]) : all, status: 201)
    }

    private static func put(
        _ told: JSONValue, _ entity: TraktEntity, _ shelf: String, _ kind: String, _ account: String, _ now: Double,
        _ state: inout State
    ) -> Bool {
        switch shelf {
        case "ratings":
            let at = told["rated_at"].string ?? exactStamp(now)
            return state.shelves.put(
                account, shelf, kind, entity, .members(["rated_at": .string(at), "rating": told["rating"]]), at: now)
        case "watchlist":
            guard
                !state.shelves.shown(account, shelf, kind, at: .infinity.nextDown).contains(where: {
                    $0.item.key == entity.key
                })
            else { return false }
            return state.shelves.put(
                account, shelf, kind, entity, .members(["listed_at": .string(exactStamp(now)), "notes": nil]), at: now)
        default:
            let at = told["collected_at"].string ?? exactStamp(now)
            return state.shelves.put(
                account, shelf, kind, entity,
                .members([
                    "collected_at": .string(at), "updated_at": .string(exactStamp(now)),
                    "metadata": TraktShelves.metadata(told),
                ]),
                at: now)
        }
    }

    /// Whether the body would take a list beyond the account's limit.
    private static func isFull(_ shelf: String, _ account: String, _ body: JSONValue, _ state: State) -> Bool {
        guard shelf != "ratings" else { return false }
        let more = TraktShelves.kinds.reduce(0) { $0 + body[$1.0].array.count }
        return state.shelves.shown(account, shelf, nil, at: .infinity.nextDown).count + more > state.behaviour.shelfMax
    }

    static let full = UpstreamResponse.empty(420)

    /// Whether the body would take the plays beyond the account's limit.
    static func isFull(_ account: String, _ body: JSONValue, _ state: State) -> Bool {
        let more = body["movies"].array.count + body["episodes"].array.count
        return state.plays.count { $0.account == account && $0.goneAt == .infinity } + more > state.behaviour.playsMax
    }

    /// The items of a kind, with those nested in shows; the entity is nil if Trakt does not know the item.
    static func items(
        _ body: JSONValue, _ plural: String, _ kind: String, _ state: State
    ) -> [(told: JSONValue, entity: TraktEntity?)] {
        var found = body[plural].array.compactMap { item -> (told: JSONValue, entity: TraktEntity?)? in
            // A show that nests seasons does not stand for the whole show.
            if kind == "show", !item["seasons"].array.isEmpty { return nil }
            return (item, state.entities.entity(kind, item["ids"]))
        }
        guard kind == "episode" else { return found }
        for show in body["shows"].array {
            for season in show["seasons"].array {
                for episode in season["episodes"].array {
                    let entity = state.entities.episode(
                        of: show["ids"], season: season["number"].int ?? -1, number: episode["number"].int ?? -1)
                    found.append((episode, entity))
                }
            }
        }
        return found
    }

    private static func counted(_ counts: [String: Int]) -> JSONValue {
        .object(JSONObject(TraktShelves.kinds.map { ($0.0, .whole(counts[$0.0] ?? 0)) }))
    }

    private static func listed(_ items: [String: [JSONValue]]) -> JSONValue {
        .object(JSONObject(TraktShelves.kinds.map { ($0.0, .array(items[$0.0] ?? [])) }))
    }

    // MARK: Reading

    /// `/sync/{shelf}/{type}`: always paged, except for ratings requested without a limit.
    static func read(
        shelf: String, _ path: [String], _ account: String, _ request: UpstreamRequest, _ now: Double, _ state: State
    ) -> UpstreamResponse {
        let plural = path.count > 2 && path[2] != "all" ? path[2] : nil
        let kind = TraktShelves.kinds.first { $0.0 == plural }?.1
        if plural != nil, kind == nil { return .empty(404) }
        let moment = now - state.behaviour.lagSeconds
        var shown = state.shelves.shown(account, shelf, kind, at: moment)
        if shelf == "ratings", path.count > 3 {
            let wanted = Set(path[3].split(separator: ",").compactMap { Int($0) })
            shown = shown.filter { wanted.contains($0.value["rating"].int ?? 0) }
        }
        let rows = shown.enumerated().map { rank, row in
            let own =
                shelf == "watchlist"
                ? JSONValue.members(["rank": .whole(rank + 1), "id": .whole(rank + 7_000)]) : .members([:])
            return own.merged(with: row.value).adding(["type": .string(row.kind)]).merged(with: row.item.payload)
        }
        // The watchlist's count ignores the kind, as recorded in 2026.
        let count = shelf == "watchlist" ? state.shelves.shown(account, shelf, nil, at: moment).count : rows.count
        return page(
            rows, count: count, request, isForced: shelf != "ratings", rowsMax: state.behaviour.pageMax)
    }

    /// One page of a list with its headers, of at most `rowsMax` rows.
    static func page(
        _ rows: [JSONValue], count: Int, _ request: UpstreamRequest, isForced: Bool = true, rowsMax: Int = 250
    ) -> UpstreamResponse {
        let asked = request.query("limit").flatMap { Int($0) }
        guard isForced || asked != nil else { return .json(.array(rows)) }
        let limit = min(max(asked ?? 100, 1), rowsMax)
        let number = max(request.query("page").flatMap { Int($0) } ?? 1, 1)
        let shown = rows.dropFirst((number - 1) * limit).prefix(limit)
        return .json(
            .array(Array(shown)),
            headers: [
                WireField("x-pagination-page", "\(number)"), WireField("x-pagination-limit", "\(limit)"),
                WireField("x-pagination-page-count", "\((count + limit - 1) / limit)"),
                WireField("x-pagination-item-count", "\(count)"),
            ])
    }

    /// `/sync/last_activities`: advances on removals too, which nothing else reveals.
    static func activities(_ account: String, _ now: Double, _ state: State) -> UpstreamResponse {
        let moment = now - state.behaviour.lagSeconds
        let never = "2014-01-01T00:00:00.000Z"
        func group(_ name: String, _ fields: [String]) -> JSONValue {
            .object(
                JSONObject(fields.map { ($0, .string(state.shelves.stamp(account, name, $0, at: moment) ?? never)) }))
        }
        let watched = ["watched_at", "collected_at", "rated_at", "watchlisted_at", "commented_at", "paused_at"]
        let listed = ["rated_at", "watchlisted_at", "commented_at"]
        return .json(
            .members([
                "all": .string(exactStamp(moment)), "movies": group("movies", watched + ["favorited_at", "hidden_at"]),
                "episodes": group("episodes", watched),
                "shows": group("shows", listed + ["favorited_at", "dropped_at"]),
                "seasons": group("seasons", listed), "comments": .members(["liked_at": .string(never)]),
                "lists": .members(["updated_at": .string(never)]),
                "watchlist": .members(["updated_at": .string(never)]),
                "account": .members(["settings_at": .string(never)]),
            ]))
    }

    /// Takes a watched film off the watchlist, and a show with its first watched episode, as Trakt does.
    static func letGo(_ account: String, _ kind: String, _ entity: TraktEntity, _ now: Double, _ state: inout State) {
        func drop(_ plural: String, _ kind: String, _ key: String) {
            guard state.shelves.take(account, "watchlist", kind, key, at: now) != nil else { return }
            state.shelves.happened(account, plural, "watchlisted_at", at: now)
        }
        drop(kind == "movie" ? "movies" : "episodes", kind, entity.key)
        if kind == "episode", let show = entity.payload["show"]["ids"]["trakt"].int { drop("shows", "show", "\(show)") }
    }
}
