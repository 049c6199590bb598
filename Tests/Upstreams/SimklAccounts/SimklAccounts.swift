import FoundationEssentials
import JSON
import Synchronization

/// Simkl's accounts: lists with one date and one rating for each item, scrobbles, positions, codes and tokens. An
/// account comes into being when a token is used that begins with `demo-` or was issued for a code.
package final class SimklAccounts: Sendable {
    /// How the accounts behave; set by tests.
    package struct Behaviour: Sendable {
        /// The least time between two writes of one account, in milliseconds; 0 for none. An account that writes sooner
        /// is blocked.
        package var writeMilliseconds = 1_000
        /// How long an account that wrote too soon is blocked, in seconds.
        package var blockSeconds = 5.0
        /// How long after a write another one is refused with the lock, in milliseconds.
        package var lockMilliseconds = 0
        package var pinLifeSeconds = 900.0
        package var pinIntervalSeconds = 5.0
        /// Whether an empty result is `null`, as for older client ids, rather than `{}`.
        package var emptyIsNull = false
        /// Whether libraries are always shown empty, with status 200.
        package var showsNothing = false
        /// The items missing from lists of ids.
        package var hidden: Set<Int> = []
        /// The largest number of library items in one answer; a larger answer is refused.
        package var itemsMax = Int.max
        /// The items that move to another list as soon as a single list has been read.
        package var moving: [Int: String] = [:]
        /// The items whose writes are accepted and discarded.
        package var swallowed: Set<Int> = []
        /// The episodes that no show has, by season and number, such as `1x7`.
        package var missingEpisodes: Set<String> = []
        /// Whether codes bring a pair of tokens (V2) instead of a single one that lasts for years (V1).
        package var isV2 = false
        /// Whether V2 tokens are read-only.
        package var isReadOnly = false
        package var lifeSeconds = 604_800
        /// How long after its end a check-in is counted, in seconds; up to two minutes at Simkl.
        package var checkInLagSeconds = 60.0

        package init() {}
    }

    /// One item of an account.
    package struct Item: Sendable {
        /// `movies`, `shows` or `anime`.
        package let group: String
        package let simkl: Int
        package var status: String
        package var addedAt: Double
        package var lastWatchedAt: String?
        package var episodes: [String: String] = [:]
        package var rating: Int?
        package var ratedAt: String?
        var changedAt: Double
    }

    struct Session {
        let id: Int
        let simkl: Int
        let episode: String?
        let progress: Double
        let at: Double
    }

    /// What somebody has checked in to, and when it ends.
    struct CheckIn {
        let simkl: Int
        let episode: String?
        let endsAt: Double
    }

    struct Account {
        var items: [Int: Item] = [:]
        /// When each kind of event last happened, by group and name.
        var stamps: [String: [String: Double]] = [:]
        var sessions: [Session] = []
        var checkIns: [CheckIn] = []
        var scrobbles: [String: Double] = [:]
        var lastWrite = -Double.infinity
        var blockedUntil = -Double.infinity
        var watching: Int?
    }

    struct State {
        var behaviour = Behaviour()
        var accounts: [String: Account] = [:]
        var pins = SimklPINs()
        var nextID = 10_000_000
        var blocks = 0
        /// How far the clock has been advanced, in seconds.
        var shift = 0.0

        var now: Double { Date.now.timeIntervalSince1970 + shift }
    }

    private let state = Mutex(State())
    let catalogue: Catalogue?

    package init(catalogue: Catalogue? = nil) { self.catalogue = catalogue }

    package func reset() { state.withLock { $0 = State() } }
    package func behave(_ change: (inout Behaviour) -> Void) { state.withLock { change(&$0.behaviour) } }
    package func pass(seconds: Double) {
        state.withLock { state in
            state.shift += seconds
            countCheckIns(&state)
        }
    }

    /// The items that an account has now, by Simkl's id.
    package func items(of account: String) -> [Int: Item] { state.withLock { $0.accounts[account]?.items ?? [:] } }
    /// The positions, in percent, at which an account has paused.
    package func positions(of account: String) -> [Double] {
        state.withLock { $0.accounts[account]?.sessions.map(\.progress) ?? [] }
    }
    /// The item that an account is currently watching.
    package func watching(_ account: String) -> Int? { state.withLock { $0.accounts[account]?.watching } }
    /// The number of times that an account was blocked for writing too soon.
    package var blockCount: Int { state.withLock(\.blocks) }
    /// The number of times that tokens were refreshed.
    package var renewalCount: Int { state.withLock(\.pins.renewals) }

    /// Changes an item as its person would at Simkl.
    package func change(_ account: String, _ simkl: Int, _ change: (inout Item) -> Void) {
        state.withLock { state in
            let now = state.now
            Self.edit(account, simkl, group(of: simkl), now, &state, change)
        }
    }

    /// Takes an item off every list, as its person would at Simkl.
    package func remove(_ account: String, _ simkl: Int) {
        state.withLock { Self.remove(account, simkl, $0.now, &$0) }
    }

    /// Answers requests that concern accounts; nil for others.
    package func answer(_ request: UpstreamRequest) -> UpstreamResponse? {
        let path = request.segments
        switch path.first {
        case "oauth", "oauth2", "pin": return state.withLock { $0.pins.answer(request, $0.behaviour, now: $0.now) }
        case "_accounts":
            let tokens = state.withLock { $0.pins.all }
            return .json(.members(["tokens": .array(tokens.map { .string($0) })]))
        case "sync", "scrobble", "users":
            return state.withLock { state in
                countCheckIns(&state)
                return answer(request, path, &state)
            }
        default: return nil
        }
    }

    private func answer(_ request: UpstreamRequest, _ path: [String], _ state: inout State) -> UpstreamResponse {
        let shown = request.header("authorization")?.split(separator: " ").last.map(String.init) ?? ""
        guard let account = shown.hasPrefix("demo-") ? shown : state.pins.account(of: shown, now: state.now) else {
            return Self.failure("user_token_failed", 401)
        }
        if path == ["users", "settings"] { return Self.settings(of: account) }
        if request.method == "GET" {
            let answer = read(path, account, request, state)
            if path.count == 4 { move(account, &state) }
            return answer
        }
        if state.behaviour.isV2 && state.behaviour.isReadOnly || state.pins.isReadOnly(shown) {
            return Self.failure("scope", 403)
        }
        guard request.header("content-type")?.hasPrefix("application/json") == true || request.method == "DELETE" else {
            return Self.failure("wrong_parameter", 400)
        }
        let body = (try? decodeJSON(JSONValue.self, from: request.body)) ?? .null
        if path == ["sync", "watched"] { return watched(account, body, state) }
        if let refused = Self.admit(account, &state) { return refused }
        return write(path, account, body, request, &state)
    }

    /// Moves items as their person would while lists are read one by one.
    private func move(_ account: String, _ state: inout State) {
        let now = state.now
        for (simkl, list) in state.behaviour.moving {
            Self.edit(account, simkl, group(of: simkl), now, &state) { $0.status = list }
        }
        state.behaviour.moving = [:]
    }

    /// Applies the limits on writes: a lock while another write is in progress, a block for an account that writes too
    /// soon.
    private static func admit(_ name: String, _ state: inout State) -> UpstreamResponse? {
        let now = state.now
        var account = state.accounts[name] ?? Account()
        defer { state.accounts[name] = account }
        if now < account.blockedUntil {
            account.blockedUntil = max(account.blockedUntil, now + state.behaviour.blockSeconds)
            return failure("client_id_failed", 412)
        }
        let gap = now - account.lastWrite
        if gap * 1_000 < Double(state.behaviour.lockMilliseconds) { return failure("RATE_LIMIT", 400) }
        if gap * 1_000 < Double(state.behaviour.writeMilliseconds) {
            account.blockedUntil = now + state.behaviour.blockSeconds
            state.blocks += 1
            return failure("client_id_failed", 412)
        }
        account.lastWrite = now
        return nil
    }

    // MARK: Items

    /// The group of an item; `movies` if the catalogue does not have it.
    func group(of simkl: Int) -> String {
        guard let title = catalogue?.title(number: simkl - 600_000_000), title.simkl == simkl else { return "movies" }
        return title.kind == .movie ? "movies" : title.isAnime ? "anime" : "shows"
    }

    /// The Simkl id of an item in a request; nil if unknown.
    func simkl(_ item: JSONValue, isMovie: Bool) -> Int? {
        let ids = item["ids"]
        func number(_ name: String) -> Int? { ids[name].int ?? ids[name].string.flatMap { Int($0) } }
        if let own = number("simkl") ?? number("simkl_id") { return own > 0 ? own : nil }
        let kind: CatalogueKind = isMovie ? .movie : .series
        let title =
            ids["imdb"].string.flatMap { catalogue?.title(imdb: $0) }
            ?? number("tmdb").flatMap { catalogue?.title(kind, tmdb: $0) }
            ?? number("tvdb").flatMap { catalogue?.title(kind, tvdb: $0) }
        return title?.simkl
    }

    static func edit(
        _ name: String, _ simkl: Int, _ group: String, _ now: Double, _ state: inout State,
        _ change: (inout Item) -> Void
    ) {
        var account = state.accounts[name] ?? Account()
        guard !state.behaviour.swallowed.contains(simkl) else { return }
        var item =
            account.items[simkl]
            ?? Item(group: group, simkl: simkl, status: "", addedAt: now, changedAt: now)
        let before = (item.status, item.rating, item.ratedAt)
        change(&item)
        item.changedAt = now
        account.items[simkl] = item
        func happened(_ what: String) { account.stamps[group, default: [:]][what] = now }
        happened("all")
        if item.status != before.0 || !item.status.isEmpty { happened(item.status) }
        if item.rating != before.1 || item.ratedAt != before.2 { happened("rated_at") }
        state.accounts[name] = account
    }

    static func remove(_ name: String, _ simkl: Int, _ now: Double, _ state: inout State) {
        guard let item = state.accounts[name]?.items.removeValue(forKey: simkl) else { return }
        state.accounts[name]?.stamps[item.group, default: [:]]["all"] = now
        state.accounts[name]?.stamps[item.group, default: [:]]["removed_from_list"] = now
    }

    static func failure(_ error: String, _ status: Int) -> UpstreamResponse {
        .json(.members(["error": .string(error), "code": .whole(status), "message": ""]), status: status)
    }

    private static func settings(of account: String) -> UpstreamResponse {
        let number = account.utf8.reduce(0) { ($0 * 31 + Int($1)) % 1_000_000 } + 1
        return .json(
            .members([
                "user": .members(["name": .string(account), "joined_at": "2020-01-01T00:00:00Z"]),
                "account": .members(["id": .whole(number), "timezone": "Europe/Vienna", "type": "free"]),
                "connections": .members(["facebook": false]),
            ]))
    }

    static func stamp(_ seconds: Double) -> String { Date(timeIntervalSince1970: seconds).formatted(.iso8601) }
}
