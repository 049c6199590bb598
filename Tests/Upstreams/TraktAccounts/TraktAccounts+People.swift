import FoundationEssentials
import JSON

/// Reading a person by name, and counts by title: the same rows in other shapes.
extension TraktAccounts {
    /// The lists of a person that exist but are always empty.
    private static let emptyLists: Set<String> = [
        "followers", "following", "friends", "likes", "comments", "lists", "recommendations", "favorites", "hidden",
    ]

    /// `/users/{me|NAME}/…` is `/sync/…` of the caller; everybody else is private.
    static func readPerson(
        _ path: [String], _ account: String, _ request: UpstreamRequest, _ state: State
    ) -> UpstreamResponse {
        guard path.count > 1 else { return .empty(404) }
        if path.count == 2, emptyLists.contains(path[1]) { return .json(.array([])) }
        guard path[1] == "me" || path[1] == account else {
            return .empty(401, headers: [WireField("x-private-user", "true")])
        }
        guard path.count > 2 else { return .json(profile(of: account)) }
        if path[2] == "stats" { return .json(stats(of: account, state)) }
        if emptyLists.contains(path[2]) { return page([], count: 0, request) }
        return read(["sync"] + path.dropFirst(2), account, request, state)
    }

    static func profile(of account: String) -> JSONValue {
        .members([
            "username": .string(account), "private": false, "name": .string(account), "vip": false, "vip_ep": false,
            "ids": .members(["slug": .string(account), "uuid": .string("uuid-of-\(account)")]),
        ])
    }

    private static func stats(of account: String, _ state: State) -> JSONValue {
        let plays = state.plays.filter { $0.account == account && $0.goneAt == .infinity }
        func counts(_ kind: String) -> JSONValue {
            let own = plays.filter { $0.kind == kind }
            return .members([
                "plays": .whole(own.count), "watched": .whole(Set(own.map { key($0, state) }).count), "minutes": 0,
                "collected": .whole(state.shelves.shown(account, "collection", kind, at: .infinity.nextDown).count),
                "ratings": .whole(state.shelves.shown(account, "ratings", kind, at: .infinity.nextDown).count),
            ])
        }
        return .members([
            "movies": counts("movie"), "shows": counts("show"), "seasons": counts("season"),
            "episodes": counts("episode"),
            "ratings": .members([
                "total": .whole(state.shelves.shown(account, "ratings", nil, at: .infinity.nextDown).count)
            ]),
        ])
    }

    private static func key(_ play: Play, _ state: State) -> String {
        state.entities.entity(play.kind, play.ids)?.key ?? ""
    }

    // MARK: By title

    /// `/sync/watched/movies` and `/sync/watched/shows`: how often each was watched, and when last.
    static func watched(
        _ plural: String, _ account: String, _ request: UpstreamRequest, _ moment: Double, _ state: State
    ) -> UpstreamResponse {
        let kind = plural == "movies" ? "movie" : "episode"
        guard plural == "movies" || plural == "shows" else { return .empty(404) }
        let plays = state.plays.filter {
            $0.account == account && $0.kind == kind && $0.madeAt <= moment && moment < $0.goneAt
        }
        let entities = plays.compactMap { play in
            state.entities.entity(play.kind, play.ids).map { (entity: $0, at: play.watchedAt) }
        }
        let groups = grouped(entities) { kind == "movie" ? $0.entity.key : showKey($0.entity) }
        let rows = groups.map { group -> JSONValue in
            let counted = JSONValue.members([
                "plays": .whole(group.count), "last_watched_at": .text(group.compactMap(\.at).max()),
                "last_updated_at": .text(group.compactMap(\.at).max()), "reset_at": nil,
            ])
            guard kind == "episode" else { return counted.merged(with: group[0].entity.payload) }
            let seasons = nested(group.map(\.entity)) { episode in
                let own = group.filter { $0.entity.key == episode.key }
                return .members(["plays": .whole(own.count), "last_watched_at": .text(own.compactMap(\.at).max())])
            }
            return counted.adding(["show": group[0].entity.payload["show"], "seasons": seasons])
        }
        return page(rows, count: rows.count, request)
    }

    /// `/sync/collection/shows`: the owned episodes, grouped by show.
    static func collectedShows(
        _ account: String, _ request: UpstreamRequest, _ moment: Double, _ state: State
    ) -> UpstreamResponse {
        let owned = state.shelves.shown(account, "collection", "episode", at: moment)
        let rows = grouped(owned) { showKey($0.item) }.map { group -> JSONValue in
            let last = group.compactMap { $0.value["collected_at"].string }.max()
            let seasons = nested(group.map(\.item)) { episode in
                group.first { $0.item.key == episode.key }?.value ?? .members([:])
            }
            return .members([
                "last_collected_at": .text(last), "last_updated_at": .text(last),
                "show": group[0].item.payload["show"], "seasons": seasons,
            ])
        }
        return page(rows, count: rows.count, request)
    }

    private static func showKey(_ entity: TraktEntity) -> String {
        String(decoding: encodeJSON(entity.payload["show"]["ids"]), as: UTF8.self)
    }

    /// The elements grouped by key, in order of each group's first element.
    private static func grouped<Element>(_ elements: [Element], by key: (Element) -> String) -> [[Element]] {
        var order: [String] = []
        var groups: [String: [Element]] = [:]
        for element in elements {
            let name = key(element)
            if groups[name] == nil { order.append(name) }
            groups[name, default: []].append(element)
        }
        return order.compactMap { groups[$0] }
    }

    /// The distinct episodes, by season and number.
    private static func nested(_ episodes: [TraktEntity], _ about: (TraktEntity) -> JSONValue) -> JSONValue {
        var seasons: [Int: [Int: TraktEntity]] = [:]
        for episode in episodes {
            let own = episode.payload["episode"]
            seasons[own["season"].int ?? 0, default: [:]][own["number"].int ?? 0] = episode
        }
        return .array(
            seasons.sorted { $0.key < $1.key }.map { number, episodes in
                .members([
                    "number": .whole(number),
                    "episodes": .array(
                        episodes.sorted { $0.key < $1.key }.map { number, episode in
                            JSONValue.members(["number": .whole(number)]).merged(with: about(episode))
                        }),
                ])
            })
    }
}
