import AsyncHTTPClient
package import Contracts
import Cryptography
import JSON
import NIOHTTP1
package import Store

/// Reads a person's library at Simkl: everything once, then what has changed, and after a removal the ids of what is
/// left. The result is kept, so that lists are always complete. Makes one call at a time.
package struct SimklReader: RemoteReader {
    package let shape = RemoteShape.simkl
    private let http: SimklHTTP
    private let tokens: any TokenSource
    private let mirror: SimklMirrorStore
    private let allowance: any ReadAllowance
    private let clock: any WallClock

    package init(
        http: SimklHTTP, tokens: any TokenSource, mirror: SimklMirrorStore, allowance: any ReadAllowance,
        clock: any WallClock
    ) {
        self.http = http
        self.tokens = tokens
        self.mirror = mirror
        self.allowance = allowance
        self.clock = clock
    }

    /// Clients have always used POST; the newer reference says GET.
    package func account(of lane: LaneKey) async throws(ReadTrouble) -> RemoteAccount {
        let settings: JSONValue
        do throws(ReadTrouble) {
            settings = try await get("users/settings", lane, by: .POST).body
        } catch {
            guard case .broken = error else { throw error }
            settings = try await get("users/settings", lane).body
        }
        guard let account = SimklRows.account(settings) else {
            throw .wait(.seconds(60), "Simkl does not say whose account it is")
        }
        return account
    }

    /// Asks what has changed, and reads it. A read that fails half way leaves nothing behind.
    package func activities(of lane: LaneKey) async throws(ReadTrouble) -> RemoteActivities {
        let (body, date) = try await get("sync/activities", lane)
        guard let now = SimklStamps(body) else { throw .broken("Simkl's activities cannot be read") }
        let skew = date.map { clock.now.duration(to: $0) }
        let before = try await asking { () throws(StoreError) in
            try await mirror.stamps(of: lane.user, until: .now + Self.queryTimeout)
        }
        // The state that the copy has reached, which lists are made of.
        let reached: SimklStamps
        switch before {
        case .some(now): reached = now
        case .some(let before) where !before.all.isEmpty: reached = try await readChanges(since: before, now, lane)
        default: reached = try await readWhole(now, doubtedAt: before?.doubtedAt, lane)
        }
        let playback = ["movies", "tv_shows", "anime"].map { body[$0]["playback"].string ?? "" }.joined(separator: " ")
        return SimklRows.activities(reached, playback: playback, clockSkew: skew)
    }

    /// The query for items. Without `include_all_episodes`, finished and dropped titles come without their episodes;
    /// `yes` would make up episodes that nobody recorded. Only `full_anime_seasons` gives the places of anime in TVDB's
    /// numbering.
    static func wholly(_ group: String? = nil) -> String {
        let extended = group == "anime" || group == nil ? "full_anime_seasons" : "full"
        return "extended=\(extended)&episode_watched_at=yes&include_all_episodes=original"
    }

    /// Reads an account for the first time: the three groups in turn, or list by list where a group is too long.
    private func readWhole(
        _ stamps: SimklStamps, doubtedAt: Timestamp?, _ lane: LaneKey
    ) async throws(ReadTrouble) -> SimklStamps {
        var items: [SimklRows.Item] = []
        for group in SimklRows.groups {
            let (shown, isInParts) = try await library(.group(group), lane) { Self.wholly($0.group) }
            items += shown
            // An item that moved between lists meanwhile may have been on neither when that one was read.
            if isInParts { items += try await changes(in: .group(group), since: stamps, lane) }
        }
        let now = clock.now
        switch stamps.whole(items, doubtedAt: doubtedAt, now: now) {
        case .shown: break
        case .untrue(let group): throw .broken("Simkl says that there are \(group), but shows none")
        case .doubtful(let group):
            try await keep([], [:], SimklStamps(doubtedAt: doubtedAt ?? now), lane)
            throw .wait(SimklLimits.doubtTime, "Simkl shows no \(group), although there were some: asking once more")
        }
        try await keep(items, [:], stamps, lane)
        return stamps
    }

    private func readChanges(
        since before: SimklStamps, _ now: SimklStamps, _ lane: LaneKey
    ) async throws(ReadTrouble) -> SimklStamps {
        let items = try await changes(in: .whole, since: before, lane)
        var rests: [String: SimklStamps.Rest] = [:]
        for group in SimklRows.groups where before.removals[group] != now.removals[group] {
            let (rest, isInParts) = try await library(.group(group), lane) { _ in "extended=simkl_ids_only" }
            // Lists read one by one while something moved between them are not complete.
            if isInParts, try await haveMoved(group, since: now, lane) { continue }
            let known = try await asking { () throws(StoreError) in
                try await mirror.numbers(of: lane.user, in: group, until: .now + Self.queryTimeout)
            }
            rests[group] = SimklStamps.Rest(left: Set(rest.map(\.simkl)), known: known)
        }
        // An empty list is not believed at once: an emptied account looks like an emptied answer.
        let moment = clock.now
        let proven = now.believed(rests, since: before, items, at: moment)
        let reached = now.reached(
            since: before, items, proven, doubted: Set(rests.keys).subtracting(proven.keys), at: moment)
        try await keep(items, proven, reached, lane)
        return reached
    }

    private func changes(
        in part: SimklPart, since stamps: SimklStamps, _ lane: LaneKey
    ) async throws(ReadTrouble) -> [SimklRows.Item] {
        let from = CodeAuthorization.escaped(stamps.all)
        return try await library(part, lane) { "date_from=\(from)&\(Self.wholly($0.group))" }.items
    }

    /// Whether anything in a group has changed its list or rating since its lists began to be read.
    private func haveMoved(
        _ group: String, since stamps: SimklStamps, _ lane: LaneKey
    ) async throws(ReadTrouble) -> Bool {
        guard let now = SimklStamps(try await get("sync/activities", lane).body) else {
            throw .broken("Simkl's activities cannot be read")
        }
        return now.lists[group] != stamps.lists[group]
    }

    private func keep(
        _ items: [SimklRows.Item], _ rests: [String: SimklStamps.Rest], _ stamps: SimklStamps, _ lane: LaneKey
    ) async throws(ReadTrouble) {
        try await asking { () throws(StoreError) in
            try await mirror.keep(items, rests, stamps, of: lane.user, until: .now + Self.keepTimeout)
        }
    }

    private static let queryTimeout = Duration.seconds(30)
    private static let keepTimeout = Duration.seconds(60)

    package func lists(
        _ facet: SyncFacet, _ kinds: [TitleKind], from day: CalendarDate?, of lane: LaneKey
    ) async throws(ReadTrouble) -> [TitleKind: RemoteReading] {
        var readings: [TitleKind: RemoteReading] = [:]
        if facet == .progress {
            let (body, _) = try await get("sync/playback", lane)
            for kind in kinds {
                guard let rows = SimklRows.positions(body, kind) else {
                    throw .broken("Simkl's positions cannot be read")
                }
                readings[kind] = Self.whole(rows)
            }
            return readings
        }
        for kind in kinds {
            let items = try await asking { () throws(StoreError) in
                try await mirror.items(
                    of: lane.user, in: SimklRows.groups(of: kind), until: .now + Self.queryTimeout)
            }
            var reading = Self.whole(SimklRows.rows(items, facet, kind))
            reading.seen = items.filter { $0.kind == kind }.map(\.simkl)
            if facet == .watchlist {
                reading.elsewhere = SimklRows.elsewhere(items, kind)
                reading.finished = SimklRows.elsewhere(items, kind, finishedOnly: true)
                reading.tied = SimklRows.tied(items, kind)
            }
            readings[kind] = reading
        }
        return readings
    }

    /// A single incomplete page with exactly these rows.
    private static func whole(_ rows: [RemoteRow]) -> RemoteReading {
        var tally = PageTally()
        tally.add(
            PageTally.Page(number: 1, rowCount: rows.count, limit: rows.count + 1, pageCount: 1, itemCount: rows.count))
        return RemoteReading(rows: rows, tally: tally, unreadable: 0)
    }

    /// Reads a part of the library, in smaller parts one after the other if it is longer than Simkl gives at once.
    /// `query` gives the query for each part.
    private func library(
        _ part: SimklPart, _ lane: LaneKey, query: (SimklPart) -> String
    ) async throws(ReadTrouble) -> (items: [SimklRows.Item], isInParts: Bool) {
        if let answer = try await answer("\(part.path)?\(query(part))", lane) {
            guard let (items, unreadable) = SimklRows.items(answer.body) else {
                throw .broken("Simkl's library cannot be read")
            }
            guard unreadable == 0 else { throw .broken("\(unreadable) items of Simkl's library have no number") }
            return (items, false)
        }
        guard !part.parts.isEmpty else { throw .broken("Simkl does not return so long a list: \(part.path)") }
        var items: [SimklRows.Item] = []
        for smaller in part.parts { items += try await library(smaller, lane, query: query).items }
        return (items, true)
    }

    private func get(
        _ path: String, _ lane: LaneKey, by method: HTTPMethod = .GET
    ) async throws(ReadTrouble) -> (body: JSONValue, date: Timestamp?) {
        guard let answer = try await answer(path, lane, by: method) else {
            throw .broken("Simkl does not return so much at once: \(path)")
        }
        return answer
    }

    /// Returns an answer with status 200 and JSON in it, nil if it would be too long; a refused token is replaced once.
    private func answer(
        _ path: String, _ lane: LaneKey, by method: HTTPMethod = .GET
    ) async throws(ReadTrouble) -> (body: JSONValue, date: Timestamp?)? {
        let body = method == .POST ? HTTPClientRequest.Body.bytes(Array("{}".utf8)) : nil
        var token = try usable(await tokens.token(of: lane))
        for isLast in [false, true] {
            guard await allowance.take(lane) else { throw .wait(.seconds(60), "the allowance for reads is used up") }
            switch await http.call(method, path, body, token: token, until: .now + SimklLimits.readTimeout) {
            case .untried, .unreachable: throw .wait(.seconds(60), "Simkl cannot be reached")
            case .held(let time): throw .wait(time, SimklAnswer.blocked)
            case .brokeOff: throw .broken("a call to Simkl broke off")
            case .answered(let answer) where answer.isTooLong: return nil
            case .answered(let answer):
                switch answer.reply {
                case .delivered where answer.status == 200:
                    guard let value = answer.library else { throw .broken("Simkl's answer cannot be read") }
                    return (value, answer.date)
                case .askUser(.needsReauth) where !isLast:
                    token = try usable(await tokens.renewed(of: lane, instead: token))
                case .askUser(let trouble): throw .askUser(trouble)
                case .wait(let time, let reason): throw .wait(time, reason)
                default: throw .broken("Simkl answered \(answer.status)\(answer.isHTML ? " with a web page" : "")")
                }
            }
        }
        throw .askUser(.needsReauth)
    }

    private func usable(_ state: TokenState) throws(ReadTrouble) -> Secret {
        switch state {
        case .good(let token): return token
        case .wait(let time, let reason): throw .wait(time, reason)
        case .none(let trouble): throw .askUser(trouble)
        }
    }

    private func asking<Answer>(
        _ work: () async throws(StoreError) -> Answer
    ) async throws(ReadTrouble) -> Answer {
        do throws(StoreError) { return try await work() } catch { throw .wait(.seconds(10), "the database: \(error)") }
    }
}
