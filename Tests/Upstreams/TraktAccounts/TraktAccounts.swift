import FoundationEssentials
package import JSON
import Synchronization

/// Trakt's accounts: history, scrobbles and positions, as far as a writer needs them. An account comes into being when
/// a token is used that begins with `demo-` or was issued by `TraktOAuth`. Duplicates are not detected, as in the
/// original.
package final class TraktAccounts: Sendable {
    /// One play of an account.
    package struct Play: Sendable, Hashable {
        package let account: String
        package let id: Int
        /// The kind, `movie` or `episode`, and the ids as they were sent.
        package let kind: String
        package let ids: JSONValue
        /// The time as it is read back: to the minute, null if unknown.
        package private(set) var watchedAt: String?
        package let action: String
        let madeAt: Double
        var goneAt = Double.infinity

        mutating func moveBack(by seconds: Double) {
            guard let watchedAt, let date = try? Date(String(watchedAt.prefix(19)) + "Z", strategy: .iso8601) else {
                return
            }
            self.watchedAt = TraktAccounts.minute(TraktAccounts.stamp(date.timeIntervalSince1970 - seconds))
        }
    }

    /// Writes whose outcome the caller was not told.
    package struct Lost: Sendable, Hashable {
        /// Writes that were performed.
        package fileprivate(set) var replies = 0
        /// Writes that were not performed.
        package fileprivate(set) var requests = 0
        /// Of both, those that ended with a closed connection and those without any answer; the rest ended with a page.
        package fileprivate(set) var closed = 0
        package fileprivate(set) var silent = 0

        package init() {}

        package var count: Int { replies + requests }
    }

    struct State {
        var behaviour = Behaviour()
        var plays: [Play] = []
        var nextID = 1
        var lastWrite: [String: Double] = [:]
        var lastScrobble: [String: Double] = [:]
        var tooFast = 0
        var writes: [String: Int] = [:]
        var lost = Lost()
        var random: UInt64 = 0x9e37_79b9_7f4a_7c15
        var shelves = TraktShelves()
        /// The ids whose writes fail.
        var broken: Set<Int> = []
        /// A list that arrives damaged, and how.
        var damaged: (path: String, damage: ListDamage)?
        /// The writes to perform after a page of a list has been read.
        var between: (path: String, page: String, writes: [(path: [String], body: JSONValue)])?
        var entities: TraktEntities
    }

    private let state: Mutex<State>
    private let entities: TraktEntities
    /// The host that issues tokens.
    package let tokens = TraktOAuth()

    package init(catalogue: Catalogue? = nil) {
        entities = TraktEntities(catalogue: catalogue)
        state = Mutex(State(entities: entities))
    }

    package func reset() {
        state.withLock { $0 = State(entities: entities) }
        tokens.reset()
    }

    package func behave(_ behaviour: Behaviour) {
        state.withLock { state in
            state.behaviour = behaviour
            if let seed = behaviour.seed { state.random = seed }
        }
    }

    /// Every play of every account, oldest first.
    package var plays: [Play] { state.withLock { $0.plays.filter { $0.goneAt == .infinity } } }

    /// The items on an account's shelf now, by kind and Trakt's id; the values are the ratings in `ratings`.
    package func shelf(_ shelf: String, of account: String) -> [String: Int] {
        state.withLock { state in
            let rows = state.shelves.shown(account, shelf, nil, at: .infinity.nextDown)
            return Dictionary(rows.map { ("\($0.kind) \($0.item.key)", $0.value["rating"].int ?? 1) }) { first, _ in
                first
            }
        }
    }

    /// One row of a shelf as stored; nil if there is none.
    package func row(_ shelf: String, _ kind: String, _ key: String, of account: String) -> JSONValue? {
        state.withLock { state in
            state.shelves.shown(account, shelf, kind, at: .infinity.nextDown).first { $0.item.key == key }?.value
        }
    }

    /// Moves all plays and scrobbles so far back in time.
    package func backdate(by seconds: Double) {
        state.withLock { state in
            for key in state.lastScrobble.keys { state.lastScrobble[key]? -= seconds }
            for place in state.plays.indices { state.plays[place].moveBack(by: seconds) }
        }
    }

    /// Damages a list from now on; nil ends it.
    package func damage(_ path: String, by damage: ListDamage?) {
        state.withLock { state in state.damaged = damage.map { (path, $0) } }
    }

    /// Performs writes of the list's person after a page has been read, so that the rows behind it shift.
    package func between(_ path: String, page: Int, do writes: [(path: [String], body: JSONValue)]) {
        state.withLock { $0.between = (path, "\(page)", writes) }
    }

    /// Makes writes about this id fail (500) from now on.
    package func breakOn(number: Int) { state.withLock { _ = $0.broken.insert(number) } }

    /// Makes this id unknown from now on.
    package func forget(imdb: String) { state.withLock { _ = $0.entities.forgotten.insert(imdb) } }

    /// The number of writes that came too soon after another of the same account.
    package var tooFastCount: Int { state.withLock(\.tooFast) }

    /// The number of writes by path, without those that came too soon.
    package var writeCounts: [String: Int] { state.withLock(\.writes) }

    /// The writes that ended without a known outcome.
    package var lost: Lost { state.withLock(\.lost) }

    /// Answers requests that concern accounts; nil for others.
    package func answer(_ request: UpstreamRequest) -> UpstreamResponse? {
        let path = request.segments
        guard let first = path.first, ["sync", "scrobble", "users", "_accounts"].contains(first) else { return nil }
        if first == "_accounts" { return control(request) }
        guard let shown = request.header("authorization")?.split(separator: " ").last.map(String.init),
            let token = shown.hasPrefix("demo-") ? shown : tokens.account(of: shown)
        else { return .empty(401) }
        if request.method == "GET" || request.method == "HEAD" {
            var answer = state.withLock { state in
                let answer = Self.read(path, token, request, state)
                if let next = state.between, next.path == request.path, next.page == request.query("page") {
                    state.between = nil
                    for write in next.writes {
                        _ = Self.perform(write.path, token, write.body, Date.now.timeIntervalSince1970, &state)
                    }
                }
                guard let damaged = state.damaged, damaged.path == request.path else { return answer }
                return damaged.damage.done(to: answer)
            }
            if request.method == "HEAD" { answer.body = [] }
            return answer
        }
        if request.method == "DELETE" { return state.withLock { Self.forget(path, token, &$0) } }
        guard request.header("content-type")?.hasPrefix("application/json") == true else { return .empty(412) }
        guard let body = try? decodeJSON(JSONValue.self, from: request.body) else { return .empty(400) }
        return state.withLock { Self.write(path, token, body, &$0) }
    }

    /// `GET /_accounts` returns the book; `PUT /_accounts` sets the behaviour.
    private func control(_ request: UpstreamRequest) -> UpstreamResponse {
        if request.method == "PUT", let body = try? decodeJSON(JSONValue.self, from: request.body) {
            var behaviour = Behaviour()
            behaviour.writeMilliseconds = body["write_milliseconds"].int ?? behaviour.writeMilliseconds
            behaviour.repeatSeconds = body["repeat_seconds"].int ?? 0
            behaviour.lostReplyPercent = body["lost_reply_percent"].int ?? 0
            behaviour.lostRequestPercent = body["lost_request_percent"].int ?? 0
            behaviour.busyPercent = body["busy_percent"].int ?? 0
            behave(behaviour)
        }
        let (plays, tooFast) = (plays, tooFastCount)
        return .json(
            .members([
                "too_fast": .whole(tooFast), "tokens": .array(tokens.all.map { .string($0) }),
                "plays": .array(
                    plays.map { play in
                        .members([
                            "account": .string(play.account), "id": .whole(play.id), "kind": .string(play.kind),
                            "ids": play.ids, "watched_at": .text(play.watchedAt), "action": .string(play.action),
                        ])
                    }),
            ]))
    }

    // MARK: Writing

    private static func write(
        _ path: [String], _ token: String, _ body: JSONValue, _ state: inout State
    ) -> UpstreamResponse {
        let now = Date.now.timeIntervalSince1970
        let gap = Double(state.behaviour.writeMilliseconds) / 1_000
        if let last = state.lastWrite[token], now - last < gap {
            state.tooFast += 1
            return limited(now)
        }
        state.lastWrite[token] = now
        state.writes[path.joined(separator: "/"), default: 0] += 1
        let luck = draw(&state)
        let (lost, gone, busy) = (
            state.behaviour.lostReplyPercent, state.behaviour.lostRequestPercent, state.behaviour.busyPercent
        )
        if luck < gone {
            state.lost.requests += 1
            return leftOpen(.html("502 Bad gateway", status: 502), &state)
        }
        if luck < gone + busy { return limited(now) }
        if !state.broken.isEmpty,
            ["movies", "shows", "episodes"].contains(where: { name in
                body[name].array.contains { state.broken.contains($0["ids"]["trakt"].int ?? -1) }
            })
        {
            return .html("500 Internal Server Error", status: 500)
        }
        let answer = perform(path, token, body, now, &state)
        guard luck < gone + busy + lost else { return answer }
        state.lost.replies += 1
        return leftOpen(.html("504 Gateway time-out", status: 504), &state)
    }

    /// Answers with a proxy's page, a closed connection or silence.
    private static func leftOpen(_ page: UpstreamResponse, _ state: inout State) -> UpstreamResponse {
        let behaviour = state.behaviour
        var answer = page
        if behaviour.silentEvery > 0, state.lost.count % behaviour.silentEvery == 0 {
            state.lost.silent += 1
            answer.ending = .silence(milliseconds: behaviour.silenceMilliseconds)
        } else if behaviour.closedPercent > 0, draw(&state) < behaviour.closedPercent {
            state.lost.closed += 1
            answer.ending = .closed
        }
        return answer
    }

    private static func draw(_ state: inout State) -> Int {
        state.random = state.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state.random >> 33) % 100)
    }

    private static func limited(_ now: Double) -> UpstreamResponse {
        let limit =
            "{\"name\":\"AUTHED_API_POST_LIMIT\",\"period\":1,\"limit\":1,\"remaining\":0,\"until\":\"\(stamp(now + 1))\"}"
        return .empty(429, headers: [WireField("retry-after", "1"), WireField("x-ratelimit", limit)])
    }

    private static func perform(
        _ path: [String], _ token: String, _ body: JSONValue, _ now: Double, _ state: inout State
    ) -> UpstreamResponse {
        switch (path.first, path.dropFirst().joined(separator: "/")) {
        case ("scrobble", let step): return scrobble(step, token, body, now, &state)
        case ("sync", "history"): return isFull(token, body, state) ? full : addHistory(token, body, now, &state)
        case ("sync", "history/remove"): return removeHistory(token, body, now, &state)
        case ("sync", let place) where shelves.contains(String(place.prefix { $0 != "/" })):
            let shelf = String(place.prefix { $0 != "/" })
            guard place == shelf || place == "\(shelf)/remove" else { return .empty(404) }
            return write(shelf: shelf, removes: place != shelf, token, body, now, &state)
        default: return .empty(404)
        }
    }

    /// Trakt's rules: a stop from 80 % on is a play; a pause there, and either below 1 %, is refused. A position is kept
    /// until the title is started again or watched.
    private static func scrobble(
        _ step: String, _ token: String, _ body: JSONValue, _ now: Double, _ state: inout State
    ) -> UpstreamResponse {
        let kind = body["movie"].isNull ? "episode" : "movie"
        guard let progress = body["progress"].double, (0...100).contains(progress) else { return .empty(422) }
        let named = body[kind]["ids"].isNull ? nil : state.entities.entity(kind, body[kind]["ids"])
        let counted = state.entities.episode(
            of: body["show"]["ids"], season: body["episode"]["season"].int ?? -1,
            number: body["episode"]["number"].int ?? -1)
        guard let entity = named ?? counted else { return .empty(404) }
        let ids = named == nil ? entity.payload["episode"]["ids"] : body[kind]["ids"]
        func answer(_ action: String, _ id: Int) -> UpstreamResponse {
            .json(
                JSONValue.members([
                    "id": .whole(id), "action": .string(action), "progress": body["progress"],
                    "sharing": .members(["twitter": false, "mastodon": false, "tumblr": false]),
                ]).merged(with: entity.payload), status: 201)
        }
        func keepPlace(_ isKept: Bool) {
            let place = JSONValue.members([
                "id": .whole(state.nextID), "progress": body["progress"], "paused_at": .string(exactStamp(now)),
            ])
            if isKept {
                _ = state.shelves.put(token, "playback", kind, entity, place, at: now)
                state.nextID += 1
            } else if state.shelves.take(token, "playback", kind, entity.key, at: now) == nil {
                return
            }
            state.shelves.happened(token, "\(kind)s", "paused_at", at: now)
        }
        switch step {
        case "start":
            keepPlace(false)
            return answer("start", 0)
        case "pause", "stop":
            if progress < 1 || (step == "pause" && progress >= 80) { return .empty(422) }
            guard step == "stop", progress >= 80 else {
                keepPlace(true)
                return answer("pause", 0)
            }
            let key = "\(token) \(entity.key)"
            if let last = state.lastScrobble[key], now - last < Double(state.behaviour.repeatSeconds) {
                return .json(
                    .members([
                        "watched_at": .string(stamp(last)),
                        "expires_at": .string(stamp(last + Double(state.behaviour.repeatSeconds))),
                    ]), status: 409)
            }
            state.lastScrobble[key] = now
            keepPlace(false)
            return answer("scrobble", add(token, kind, ids, stamp(now), "scrobble", &state))
        default: return .empty(404)
        }
    }

    /// `DELETE /sync/playback/{id}`.
    private static func forget(_ path: [String], _ token: String, _ state: inout State) -> UpstreamResponse {
        let now = Date.now.timeIntervalSince1970
        guard path.count == 3, path[0] == "sync", path[1] == "playback" else { return .empty(404) }
        let there = state.shelves.shown(token, "playback", nil, at: .infinity.nextDown)
        guard let row = there.first(where: { $0.value["id"].int == Int(path[2]) }) else { return .empty(404) }
        state.shelves.take(token, "playback", row.kind, row.item.key, at: now)
        state.shelves.happened(token, "\(row.kind)s", "paused_at", at: now)
        return .empty(204)
    }

    private static func addHistory(
        _ token: String, _ body: JSONValue, _ now: Double, _ state: inout State
    ) -> UpstreamResponse {
        var counts = ["movie": 0, "episode": 0]
        var unknown: [String: [JSONValue]] = [:]
        for (name, kind) in [("movies", "movie"), ("episodes", "episode")] {
            for (item, entity) in items(body, name, kind, state) {
                // A Trakt id of zero stands for a title that does not exist.
                guard let entity else {
                    unknown[name, default: []].append(item)
                    continue
                }
                let told = item["watched_at"].string
                let moment = told == "unknown" ? nil : told ?? stamp(now)
                let sent = item["ids"].object == nil ? entity.payload["episode"]["ids"] : item["ids"]
                _ = add(token, kind, sent, moment, "watch", &state)
                counts[kind, default: 0] += 1
            }
        }
        return .json(
            .members([
                "added": .members(["movies": .whole(counts["movie"]), "episodes": .whole(counts["episode"])]),
                "not_found": .members([
                    "movies": .array(unknown["movies"] ?? []), "shows": .array([]), "seasons": .array([]),
                    "episodes": .array(unknown["episodes"] ?? []),
                ]),
            ]), status: 201)
    }

    /// Removes single plays by their row ids, and all plays of each named title.
    private static func removeHistory(
        _ token: String, _ body: JSONValue, _ now: Double, _ state: inout State
    ) -> UpstreamResponse {
        let ids = Set(body["ids"].array.compactMap(\.int))
        var gone: Set<String> = []
        var unknown: [String: [JSONValue]] = [:]
        for (plural, kind) in [("movies", "movie"), ("episodes", "episode")] {
            for (told, entity) in items(body, plural, kind, state) {
                if let entity {
                    gone.insert("\(kind) \(entity.key)")
                } else {
                    unknown[plural, default: []].append(told)
                }
            }
        }
        var counts = ["movie": 0, "episode": 0]
        var found: Set<Int> = []
        for place in state.plays.indices {
            let play = state.plays[place]
            guard play.account == token, play.goneAt == .infinity else { continue }
            let key = state.entities.entity(play.kind, play.ids)?.key ?? ""
            guard ids.contains(play.id) || gone.contains("\(play.kind) \(key)") else { continue }
            found.insert(play.id)
            state.plays[place].goneAt = now
            counts[play.kind, default: 0] += 1
            state.shelves.happened(token, "\(play.kind)s", "watched_at", at: now)
        }
        return .json(
            .members([
                "deleted": .members(["movies": .whole(counts["movie"]), "episodes": .whole(counts["episode"])]),
                "not_found": .members([
                    "movies": .array(unknown["movies"] ?? []), "shows": .array([]), "seasons": .array([]),
                    "episodes": .array(unknown["episodes"] ?? []),
                    "ids": .array(ids.subtracting(found).sorted().map { .whole($0) }),
                ]),
            ]))
    }

    private static func add(
        _ token: String, _ kind: String, _ ids: JSONValue, _ moment: String?, _ action: String, _ state: inout State
    ) -> Int {
        defer { state.nextID += 1 }
        let now = Date.now.timeIntervalSince1970
        state.plays.append(
            Play(
                account: token, id: state.nextID, kind: kind, ids: ids, watchedAt: moment.map(minute), action: action,
                madeAt: now))
        state.shelves.happened(token, "\(kind)s", "watched_at", at: now)
        if let entity = state.entities.entity(kind, ids) { letGo(token, kind, entity, now, &state) }
        return state.nextID
    }

    // MARK: Reading

    static func read(
        _ path: [String], _ token: String, _ request: UpstreamRequest, _ state: State
    ) -> UpstreamResponse {
        let now = Date.now.timeIntervalSince1970
        let moment = now - state.behaviour.lagSeconds
        if path == ["sync", "last_activities"] { return activities(token, now, state) }
        if path == ["users", "settings"] {
            return state.behaviour.hidesSettings ? .empty(503) : settings(of: token)
        }
        if path.first == "users" { return readPerson(path, token, request, state) }
        if path.count == 3, path[1] == "watched" { return watched(path[2], token, request, moment, state) }
        if path == ["sync", "collection", "shows"] { return collectedShows(token, request, moment, state) }
        if path.count >= 2, path[0] == "sync", shelves.contains(path[1]) || path[1] == "playback" {
            return read(shelf: path[1], path, token, request, now, state)
        }
        guard path.count >= 2, path[0] == "sync", path[1] == "history" else { return .empty(404) }
        let kind = path.count > 2 ? String(path[2].dropLast()) : nil
        let (from, to) = (request.query("start_at") ?? "", request.query("end_at") ?? "9999")
        let rows = state.plays.filter { play in
            play.account == token && (kind == nil || play.kind == kind) && play.madeAt <= moment && moment < play.goneAt
                && (play.watchedAt.map { $0 >= from && String($0.prefix(10)) <= to } ?? from.isEmpty)
        }.sorted { ($0.watchedAt ?? "", $0.id) > ($1.watchedAt ?? "", $1.id) }
        return page(
            rows.map { play in
                JSONValue.members([
                    "id": .whole(play.id), "watched_at": .text(play.watchedAt), "action": .string(play.action),
                    "type": .string(play.kind),
                ]).merged(with: state.entities.entity(play.kind, play.ids)?.payload ?? .members([:]))
            }, count: rows.count, request, rowsMax: state.behaviour.pageMax)
    }

    private static func settings(of account: String) -> UpstreamResponse {
        .json(
            .members([
                "user": profile(of: account),
                "account": .members(["timezone": "Europe/Vienna", "date_format": "dmy", "time_24hr": true]),
                "limits": .members([
                    "watchlist": .members(["item_count": 250]), "collection": .members(["item_count": 1000]),
                ]),
            ]))
    }

    fileprivate static func stamp(_ seconds: Double) -> String {
        Date(timeIntervalSince1970: seconds).formatted(.iso8601)
    }

    /// The seconds are lost when a time is read back.
    fileprivate static func minute(_ moment: String) -> String { "\(moment.prefix(16)):00.000Z" }
}
