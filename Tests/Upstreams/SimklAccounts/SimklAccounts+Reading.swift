import JSON

/// Reading accounts.
extension SimklAccounts {
    func read(
        _ path: [String], _ account: String, _ request: UpstreamRequest, _ state: State
    ) -> UpstreamResponse {
        let mine = state.accounts[account] ?? Account()
        switch (path.first, path.dropFirst().first) {
        case ("sync", "activities"): return activities(mine)
        case ("sync", "all-items"): return allItems(Array(path.dropFirst(2)), mine, request, state.behaviour)
        case ("sync", "ratings"):
            var rated = mine
            rated.items = mine.items.filter { $0.value.rating != nil }
            return allItems(Array(path.dropFirst(2).prefix(1)), rated, request, state.behaviour)
        case ("sync", "playback"): return playback(mine)
        default: return Self.failure("url_failed", 404)
        }
    }

    /// `/sync/activities`, the only place where shows are called `tv_shows`; what never happened is null.
    private func activities(_ account: Account) -> UpstreamResponse {
        func stamp(_ group: String, _ name: String) -> JSONValue {
            account.stamps[group]?[name].map { .string(Self.stamp($0)) } ?? .null
        }
        let names = ["all", "rated_at", "playback", "plantowatch", "watching", "completed", "hold", "dropped"]
        func block(_ group: String) -> JSONValue {
            let known = group == "movies" ? names.filter { $0 != "watching" && $0 != "hold" } : names
            return .object(JSONObject((known + ["removed_from_list"]).map { ($0, stamp(group, $0)) }))
        }
        let all = account.stamps.values.flatMap(\.values).max()
        return .json(
            .members([
                "all": all.map { .string(Self.stamp($0)) } ?? .null, "settings": .members(["all": nil]),
                "tv_shows": block("shows"), "anime": block("anime"), "movies": block("movies"),
            ]))
    }

    private func allItems(
        _ path: [String], _ account: Account, _ request: UpstreamRequest, _ behaviour: Behaviour
    ) -> UpstreamResponse {
        let from = request.query("date_from") ?? ""
        let wanted = path.first
        let extended = request.query("extended") ?? ""
        var groups: [(name: String, value: JSONValue)] = []
        var count = 0
        for group in ["shows", "anime", "movies"] where wanted == nil || wanted == group {
            let rows = account.items.values.filter { item in
                // Strictly later than `date_from`.
                item.group == group && (path.count < 2 || item.status == path[1]) && Self.stamp(item.changedAt) > from
                    && !(extended == "simkl_ids_only" && behaviour.hidden.contains(item.simkl))
            }.sorted { $0.simkl < $1.simkl }.map { row($0, extended, request) }
            if !rows.isEmpty { groups.append((group, .array(rows))) }
            count += rows.count
        }
        guard count <= behaviour.itemsMax else { return Self.failure("max_items", 400) }
        if groups.isEmpty || behaviour.showsNothing { return .json(behaviour.emptyIsNull ? .null : .members([:])) }
        return .json(.object(JSONObject(groups)))
    }

    private func row(_ item: Item, _ extended: String, _ request: UpstreamRequest) -> JSONValue {
        let title = catalogue?.title(number: item.simkl - 600_000_000)
        let name = item.group == "movies" ? "movie" : "show"
        if extended == "simkl_ids_only" {
            return .members([:]).adding([name: .members(["ids": .members(["simkl": .whole(item.simkl)])])])
        }
        let ids: [(name: String, value: JSONValue)] = [
            ("simkl", .whole(item.simkl)), ("slug", .text(title?.slug)), ("imdb", .text(title?.imdb)),
            // Simkl sends these ids as strings.
            ("tmdb", .text(title?.tmdb.map { "\($0)" })), ("tvdb", .text(title?.tvdb.map { "\($0)" })),
        ]
        var row = JSONValue.members([
            "added_to_watchlist_at": .string(Self.stamp(item.addedAt)), "last_watched_at": .text(item.lastWatchedAt),
            "user_rated_at": .text(item.ratedAt), "user_rating": .whole(item.rating), "status": .string(item.status),
            "last_watched": nil, "next_to_watch": nil, "watched_episodes_count": .whole(item.episodes.count),
            "total_episodes_count": .whole(title?.regularSeasons.reduce(0) { $0 + $1.episodes.count } ?? 0),
            "not_aired_episodes_count": 0,
        ]).adding([
            name: .members([
                "title": .text(title?.name), "year": .whole(title?.year), "poster": "12/123456789abcdef",
                "ids": .object(JSONObject(ids.filter { !$0.value.isNull })),
            ])
        ])
        guard extended == "full" || extended == "full_anime_seasons", item.group != "movies" else { return row }
        // As at Simkl, the episodes of a completed or dropped item are sent only on request.
        guard !["completed", "dropped"].contains(item.status) || request.query("include_all_episodes") != nil else {
            return row
        }
        let isDated = request.query("episode_watched_at") == "yes"
        let places = item.episodes.keys.map { key in key.split(separator: "x").compactMap { Int($0) } }
        let seasons = Dictionary(grouping: places) { $0[0] }.sorted { $0.key < $1.key }.map { number, places in
            JSONValue.members([
                "number": .whole(number),
                "episodes": .array(
                    places.map { $0[1] }.sorted().map { place in
                        let episode = JSONValue.members(["number": .whole(place)])
                        guard isDated else { return episode }
                        return episode.adding(["watched_at": .text(item.episodes["\(number)x\(place)"])])
                    }),
            ])
        }
        row = row.adding(["seasons": .array(seasons)])
        return row
    }

    /// Answers `/sync/watched`; `result` is true, false or a string.
    func watched(_ account: String, _ body: JSONValue, _ state: State) -> UpstreamResponse {
        let mine = state.accounts[account] ?? Account()
        return .json(
            .array(
                body.array.prefix(100).map { asked in
                    let wrapped = asked["ids"].isNull ? JSONValue.members(["ids": asked]) : asked
                    guard let simkl = simkl(wrapped, isMovie: true) ?? simkl(wrapped, isMovie: false) else {
                        return asked.adding(["result": "not_found"])
                    }
                    let item = mine.items[simkl]
                    return asked.adding([
                        "result": .bool(item?.lastWatchedAt != nil), "list": .text(item?.status),
                        "last_watched_at": .text(item?.lastWatchedAt),
                    ])
                }))
    }

    private func playback(_ account: Account) -> UpstreamResponse {
        .json(
            .array(
                account.sessions.map { session in
                    let title = catalogue?.title(number: session.simkl - 600_000_000)
                    let item = JSONValue.members([
                        "title": .text(title?.name), "year": .whole(title?.year),
                        "ids": .members(["simkl": .whole(session.simkl), "imdb": .text(title?.imdb)]),
                    ])
                    let row = JSONValue.members([
                        "id": .whole(session.id), "progress": .number(JSONNumber(session.progress)),
                        "paused_at": .string(Self.stamp(session.at)),
                        "type": .string(session.episode == nil ? "movie" : "episode"),
                    ])
                    guard let place = session.episode?.split(separator: "x").compactMap({ Int($0) }), place.count == 2
                    else { return row.adding(["movie": item]) }
                    // Documented under both names.
                    return row.adding([
                        "episode": .members(["season": .whole(place[0]), "episode": .whole(place[1])]), "show": item,
                    ])
                }))
    }
}
