import JSON

/// Writing to accounts.
extension SimklAccounts {
    func write(
        _ path: [String], _ account: String, _ body: JSONValue, _ request: UpstreamRequest, _ state: inout State
    ) -> UpstreamResponse {
        switch path.joined(separator: "/") {
        case "sync/history": addHistory(account, body, &state)
        case "sync/history/remove": removeHistory(account, body, &state)
        case "sync/ratings": rate(account, body, &state)
        case "sync/ratings/remove": unrate(account, body, &state)
        case "sync/add-to-list": addToList(account, body, &state)
        case "scrobble/start", "scrobble/pause", "scrobble/stop", "scrobble/checkin":
            scrobble(path[1], account, body, &state)
        case let text where text.hasPrefix("sync/playback/") && request.method == "DELETE":
            deletePosition(account, Int(path.last ?? "") ?? -1, &state)
        default: Self.failure("url_failed", 404)
        }
    }

    private static let groups: [(name: String, isMovie: Bool)] = [("movies", true), ("shows", false), ("anime", false)]

    private func isReleased(_ simkl: Int) -> Bool {
        catalogue?.title(number: simkl - 600_000_000).map { $0.released < "2026-12" } ?? true
    }

    // MARK: History

    private func addHistory(_ account: String, _ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        var (counts, missing) = (["movies": 0, "shows": 0, "episodes": 0], [String: [JSONValue]]())
        var statuses: [JSONValue] = []
        let (now, absent) = (state.now, state.behaviour.missingEpisodes)
        for (name, isMovie) in Self.groups {
            for item in body[name].array {
                guard let simkl = simkl(item, isMovie: isMovie) else {
                    missing[name, default: []].append(item)
                    continue
                }
                let date = item["watched_at"].string ?? Self.stamp(now)
                Self.edit(account, simkl, group(of: simkl), now, &state) { entry in
                    if isMovie {
                        counts["movies", default: 0] += 1
                        entry.status = item["status"].string ?? "completed"
                        entry.lastWatchedAt = date
                    } else {
                        missing["episodes", default: []] += watch(item, date, absent, &entry, &counts)
                    }
                    statuses.append(
                        .members([
                            "request": item.adding(["type": .string(isMovie ? "movie" : "show")]),
                            "response": .members([
                                "status": .string(entry.status), "simkl_type": .string(isMovie ? "movie" : "tv"),
                                "anime_type": nil,
                            ]),
                        ]))
                }
            }
        }
        return .json(
            .members([
                "added": .members([
                    "movies": .whole(counts["movies"]), "shows": .whole(counts["shows"]),
                    "episodes": .whole(counts["episodes"]), "statuses": .array(statuses),
                ]),
                "not_found": notFound(missing),
            ]), status: 201)
    }

    /// Marks a show as watched: all of it if no seasons are given, and a whole season if no episodes are. Returns the
    /// episodes that the show does not have.
    private func watch(
        _ item: JSONValue, _ date: String, _ absent: Set<String>, _ entry: inout Item, _ counts: inout [String: Int]
    ) -> [JSONValue] {
        var missing: [JSONValue] = []
        let seasons = item["seasons"].array
        let title = catalogue?.title(number: entry.simkl - 600_000_000)
        if seasons.isEmpty {
            counts["shows", default: 0] += 1
            for season in title?.regularSeasons ?? [] {
                for episode in season.episodes { entry.episodes["\(season.number)x\(episode.number)"] = date }
            }
            entry.status = "completed"
        }
        for season in seasons {
            guard let number = season["number"].int else { continue }
            var episodes = season["episodes"].array
            if episodes.isEmpty {
                episodes = (title?.seasons.first { $0.number == number }?.episodes ?? []).map {
                    .members(["number": .whole($0.number)])
                }
            }
            for episode in episodes {
                guard let place = episode["number"].int else { continue }
                guard !absent.contains("\(number)x\(place)") else {
                    let season = JSONValue.members(["number": .whole(number), "episodes": .array([episode])])
                    missing.append(.members(["ids": item["ids"], "seasons": .array([season])]))
                    continue
                }
                entry.episodes["\(number)x\(place)"] =
                    episode["watched_at"].string ?? season["watched_at"].string ?? date
                counts["episodes", default: 0] += 1
            }
            if entry.status != "completed" { entry.status = "watching" }
        }
        entry.lastWatchedAt = entry.episodes.values.max()
        return missing
    }

    private func removeHistory(_ account: String, _ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        var (counts, missing) = (["movies": 0, "shows": 0, "episodes": 0], [String: [JSONValue]]())
        let now = state.now
        for (name, isMovie) in Self.groups {
            for item in body[name].array {
                guard let simkl = simkl(item, isMovie: isMovie) else {
                    missing[name, default: []].append(item)
                    continue
                }
                guard state.accounts[account]?.items[simkl] != nil else { continue }
                if item["seasons"].array.isEmpty {
                    // Removes the whole item, with its rating.
                    Self.remove(account, simkl, now, &state)
                    counts[isMovie ? "movies" : "shows", default: 0] += 1
                    continue
                }
                Self.edit(account, simkl, group(of: simkl), now, &state) { entry in
                    for season in item["seasons"].array {
                        for episode in season["episodes"].array {
                            let key = "\(season["number"].int ?? -1)x\(episode["number"].int ?? -1)"
                            if entry.episodes.removeValue(forKey: key) != nil { counts["episodes", default: 0] += 1 }
                        }
                    }
                    entry.lastWatchedAt = entry.episodes.values.max()
                }
            }
        }
        return .json(
            .members([
                "deleted": .members([
                    "movies": .whole(counts["movies"]), "shows": .whole(counts["shows"]),
                    "episodes": .whole(counts["episodes"]),
                ]), "not_found": notFound(missing),
            ]))
    }

    /// The `not_found` member, which has no group for anime. Ids other than Simkl's own are sent back as strings, as in
    /// libraries.
    private func notFound(_ missing: [String: [JSONValue]]) -> JSONValue {
        func echo(_ names: String...) -> JSONValue {
            .array(
                names.flatMap { missing[$0] ?? [] }.map { item in
                    guard case .object(var object) = item,
                        let place = object.members.firstIndex(where: { $0.name == "ids" })
                    else { return item }
                    object.members[place].value = .object(
                        JSONObject(
                            (item["ids"].object?.members ?? []).map { name, value in
                                (name, name == "simkl" ? value : .text(value.string ?? value.number?.text))
                            }))
                    return .object(object)
                })
        }
        return .members(["movies": echo("movies"), "shows": echo("shows", "anime"), "episodes": echo("episodes")])
    }

    // MARK: Ratings and lists

    private func rate(_ account: String, _ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        var (counts, missing) = (["movies": 0, "shows": 0], [String: [JSONValue]]())
        let now = state.now
        for (name, isMovie) in Self.groups {
            for item in body[name].array {
                guard let simkl = simkl(item, isMovie: isMovie) else {
                    missing[name, default: []].append(item)
                    continue
                }
                // A rating out of range is silently ignored.
                guard let rating = item["rating"].int, (1...10).contains(rating) else { continue }
                counts[isMovie ? "movies" : "shows", default: 0] += 1
                Self.edit(account, simkl, group(of: simkl), now, &state) { entry in
                    entry.rating = rating
                    entry.ratedAt = item["rated_at"].string ?? Self.stamp(now)
                    // Rating an item that is on no list puts it on one.
                    guard entry.status.isEmpty else { return }
                    entry.status = isMovie ? isReleased(simkl) ? "completed" : "plantowatch" : "watching"
                    if entry.status == "completed" { entry.lastWatchedAt = Self.stamp(now) }
                }
            }
        }
        return .json(
            .members([
                "added": .members([
                    "movies": .whole(counts["movies"]), "shows": .whole(counts["shows"]), "statuses": .array([]),
                ]), "not_found": notFound(missing),
            ]), status: 201)
    }

    private func unrate(_ account: String, _ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        var (counts, missing) = (["movies": 0, "shows": 0], [String: [JSONValue]]())
        let now = state.now
        for (name, isMovie) in Self.groups {
            for item in body[name].array {
                guard let simkl = simkl(item, isMovie: isMovie) else {
                    missing[name, default: []].append(item)
                    continue
                }
                guard state.accounts[account]?.items[simkl]?.rating != nil else { continue }
                counts[isMovie ? "movies" : "shows", default: 0] += 1
                Self.edit(account, simkl, group(of: simkl), now, &state) { ($0.rating, $0.ratedAt) = (nil, nil) }
            }
        }
        return .json(
            .members([
                "deleted": .members(["movies": .whole(counts["movies"]), "shows": .whole(counts["shows"])]),
                "not_found": notFound(missing),
            ]))
    }

    /// Answers `/sync/add-to-list`, which lists the added items instead of counting them.
    private func addToList(_ account: String, _ body: JSONValue, _ state: inout State) -> UpstreamResponse {
        guard body["to"].isNull else { return Self.failure("empty_field", 400) }
        var (added, missing) = ([String: [JSONValue]](), [String: [JSONValue]]())
        let now = state.now
        for (name, isMovie) in Self.groups {
            for item in body[name].array {
                guard let to = item["to"].string else { return Self.failure("empty_field", 400) }
                guard let simkl = simkl(item, isMovie: isMovie) else {
                    missing[name, default: []].append(item)
                    continue
                }
                let status = isMovie && to == "watching" ? "completed" : to
                Self.edit(account, simkl, group(of: simkl), now, &state) { entry in
                    entry.status = status
                    if status == "completed" { entry.lastWatchedAt = item["watched_at"].string ?? Self.stamp(now) }
                }
                added[isMovie ? "movies" : "shows", default: []].append(
                    .members([
                        "to": .string(status), "ids": item["ids"], "type": .string(isMovie ? "movie" : "show"),
                    ]))
            }
        }
        return .json(
            .members([
                "added": .members(["movies": .array(added["movies"] ?? []), "shows": .array(added["shows"] ?? [])]),
                "not_found": notFound(missing),
            ]), status: 201)
    }

    // MARK: Scrobbles

    private func scrobble(
        _ step: String, _ account: String, _ body: JSONValue, _ state: inout State
    ) -> UpstreamResponse {
        let now = state.now
        let isMovie = !body["movie"].isNull
        let item = isMovie ? body["movie"] : body["show"].isNull ? body["anime"] : body["show"]
        let progress = body["progress"].double
        guard !item.isNull, step == "checkin" || progress != nil else { return Self.failure("empty_field", 400) }
        let number = body["episode"]["number"].int
        guard isMovie || number != nil else { return Self.failure("empty_field", 400) }
        guard let simkl = simkl(item, isMovie: isMovie) else { return Self.failure("id_err", 404) }
        let episode = number.map { "\(body["episode"]["season"].int ?? 1)x\($0)" }
        func answer(_ action: String, _ id: Int) -> UpstreamResponse {
            .json(
                .members(["id": .whole(id), "action": .string(action), "progress": body["progress"]]).adding([
                    isMovie ? "movie" : "show": item
                ]), status: 201)
        }
        let key = "\(simkl) \(episode ?? "")"
        // There is one session for each item: this event replaces a check-in.
        func supersede() {
            state.accounts[account]?.checkIns.removeAll { $0.simkl == simkl && $0.episode == episode }
        }
        func conflict() -> UpstreamResponse? {
            guard let last = state.accounts[account]?.scrobbles[key], now - last < 3_600 else { return nil }
            return .json(
                .members([
                    "watched_at": .string(Self.stamp(last)), "expires_at": .string(Self.stamp(last + 3_600)),
                ]), status: 409)
        }
        if step == "checkin", let refusal = conflict() { return refusal }
        supersede()
        switch step {
        case "start":
            state.accounts[account, default: Account()].watching = simkl
            return answer(step, 0)
        case "checkin":
            let end = now + seconds(of: simkl, isMovie: isMovie)
            var entry = state.accounts[account] ?? Account()
            entry.watching = simkl
            entry.checkIns.append(CheckIn(simkl: simkl, episode: episode, endsAt: end))
            state.accounts[account] = entry
            return answer(step, 0)
        case "pause": return answer("pause", pause(account, simkl, episode, progress ?? 0, &state))
        default:
            guard (progress ?? 0) >= 80 else {
                return answer("pause", pause(account, simkl, episode, progress ?? 0, &state))
            }
            if let refusal = conflict() { return refusal }
            count(account, simkl, episode, &state)
            return answer("scrobble", state.nextID)
        }
    }

    /// Records that a title has just been watched.
    private func count(_ account: String, _ simkl: Int, _ episode: String?, _ state: inout State) {
        let now = state.now
        Self.edit(account, simkl, group(of: simkl), now, &state) { entry in
            entry.lastWatchedAt = Self.stamp(now)
            if let episode {
                entry.episodes[episode] = Self.stamp(now)
                if entry.status != "completed" { entry.status = "watching" }
            } else {
                entry.status = "completed"
            }
        }
        state.accounts[account]?.scrobbles["\(simkl) \(episode ?? "")"] = now
        state.accounts[account]?.sessions.removeAll { $0.simkl == simkl && $0.episode == episode }
        state.accounts[account]?.watching = nil
        state.nextID += 1
    }

    /// The running time in seconds; if unknown, that of 90 minutes for a film, 45 for an episode and 25 for an anime
    /// episode.
    private func seconds(of simkl: Int, isMovie: Bool) -> Double {
        let known = catalogue?.title(number: simkl - 600_000_000)
        if let known, known.simkl == simkl, known.runtimeMinutes > 0 { return Double(known.runtimeMinutes) * 60 }
        return isMovie ? 90 * 60 : group(of: simkl) == "anime" ? 25 * 60 : 45 * 60
    }

    /// Records check-ins as watched once they have ended and the lag has passed.
    func countCheckIns(_ state: inout State) {
        let due = state.now - state.behaviour.checkInLagSeconds
        for (name, account) in state.accounts {
            for checkIn in account.checkIns where checkIn.endsAt <= due {
                state.accounts[name]?.checkIns.removeAll {
                    $0.simkl == checkIn.simkl && $0.episode == checkIn.episode
                }
                count(name, checkIn.simkl, checkIn.episode, &state)
            }
        }
    }

    private func pause(
        _ account: String, _ simkl: Int, _ episode: String?, _ progress: Double, _ state: inout State
    ) -> Int {
        let now = state.now
        state.nextID += 1
        var entry = state.accounts[account] ?? Account()
        entry.sessions.removeAll { $0.simkl == simkl && $0.episode == episode }
        entry.sessions.append(
            Session(id: state.nextID, simkl: simkl, episode: episode, progress: progress, at: now))
        entry.stamps[group(of: simkl), default: [:]]["playback"] = now
        entry.watching = nil
        state.accounts[account] = entry
        return state.nextID
    }

    private func deletePosition(_ account: String, _ id: Int, _ state: inout State) -> UpstreamResponse {
        guard state.accounts[account]?.sessions.contains(where: { $0.id == id }) == true else {
            return Self.failure("empty", 404)
        }
        state.accounts[account]?.sessions.removeAll { $0.id == id }
        return .empty(204)
    }
}
