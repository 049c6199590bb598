package import Contracts
import Cryptography
package import JSON
import NIOHTTP1
import Store

/// A row of a list at Trakt, before it is known which title it means.
package struct TraktRow: Sendable, Hashable {
    package let item: TraktItem
    package let row: TraktRowValue
}

/// What a row says beside its title.
package enum TraktRowValue: Sendable, Hashable {
    case play(id: Int64, at: Timestamp?)
    case rating(Int, at: Timestamp?)
    case listed(at: Timestamp?)
}

/// Why a reading ended without an answer.
package enum ReadTrouble: Error, Sendable, Equatable {
    /// Only the person can mend it.
    case askUser(ConnectionTrouble)
    case wait(Duration, String)
    /// The other side failed, or something in between answered.
    case broken(String)
}

/// Reads a person's lists at Trakt, page by page, within what Trakt allows.
package struct TraktReader: Sendable {
    private let http: TraktHTTP
    private let tokens: any TokenSource
    private let allowance: any ReadAllowance

    package init(http: TraktHTTP, tokens: any TokenSource, allowance: any ReadAllowance) {
        self.http = http
        self.tokens = tokens
        self.allowance = allowance
    }

    /// What Trakt says happened last, by group and kind.
    package func activities(of lane: LaneKey) async throws(ReadTrouble) -> TraktActivities {
        let answer = try await get("sync/last_activities", lane)
        guard let value = try? decodeJSON(JSONValue.self, from: answer.body), value.object != nil else {
            throw .broken("the activities cannot be read")
        }
        return TraktActivities(value)
    }

    /// A list and how far it can be trusted.
    package struct Reading: Sendable {
        package var rows: [TraktRow]
        package let tally: PageTally
        /// Rows that could not be understood; a list with some is not complete.
        package let unreadable: Int
    }

    package func ratings(_ kind: TitleKind, of lane: LaneKey) async throws(ReadTrouble) -> Reading {
        try await list("sync/ratings/\(Self.plural(kind))", lane, count: .exact) { row in
            guard let item = TraktItem(row, kind), let rating = row["rating"].int, (1...10).contains(rating) else {
                return nil
            }
            return TraktRow(item: item, row: .rating(rating, at: Self.moment(row["rated_at"])))
        }
    }

    /// Films, shows, seasons and episodes.
    package func watchlist(_ kind: TitleKind, of lane: LaneKey) async throws(ReadTrouble) -> Reading {
        try await list("sync/watchlist/\(Self.plural(kind))", lane, count: .atLeast) { row in
            guard let item = TraktItem(row, kind) else { return nil }
            return TraktRow(item: item, row: .listed(at: Self.moment(row["listed_at"])))
        }
    }

    /// Plays of a kind from a day on, or all.
    package func history(
        _ kind: TitleKind, from day: CalendarDate?, of lane: LaneKey
    ) async throws(ReadTrouble) -> Reading {
        let path = "sync/history/\(Self.plural(kind))" + (day.map { "?start_at=\($0)" } ?? "")
        return try await list(path, lane, count: .exact) { row in
            guard let item = TraktItem(row, kind), let id = row["id"].int else { return nil }
            // Plays without a date come as null, or as a moment before Trakt was.
            let at = Self.moment(row["watched_at"]).flatMap { $0.date.year < 1971 ? nil : $0 }
            return TraktRow(item: item, row: .play(id: Int64(id), at: at))
        }
    }

    // MARK: Pages

    private func list(
        _ path: String, _ lane: LaneKey, count: PageTally.Count, read: (JSONValue) -> TraktRow?
    ) async throws(ReadTrouble) -> Reading {
        var tally = PageTally(count: count)
        var rows: [TraktRow] = []
        var unreadable = 0
        for number in 1...TraktLimits.pagesMax {
            let answer = try await get(
                "\(path)\(path.contains("?") ? "&" : "?")page=\(number)&limit=\(TraktLimits.pageRows)", lane)
            guard let page = try? decodeJSON(JSONValue.self, from: answer.body), case .array(let items) = page else {
                throw .broken("a page cannot be read")
            }
            for item in items {
                if let row = read(item) { rows.append(row) } else { unreadable += 1 }
            }
            tally.add(
                PageTally.Page(
                    number: answer.page.number ?? number, rowCount: items.count, limit: answer.page.limit,
                    pageCount: answer.page.pageCount, itemCount: answer.page.itemCount))
            if !tally.wantsMore { break }
        }
        return Reading(rows: rows, tally: tally, unreadable: unreadable)
    }

    /// One answer with status 200 and JSON in it; a token that is refused is replaced once.
    private func get(_ path: String, _ lane: LaneKey) async throws(ReadTrouble) -> TraktAnswer {
        var token = try usable(await tokens.token(of: lane))
        for isLast in [false, true] {
            guard await allowance.take(lane) else { throw .wait(.seconds(60), "the allowance for reads is used up") }
            switch await http.call(.GET, path, token: token, until: .now + TraktLimits.readTimeout) {
            case .untried, .unreachable: throw .wait(.seconds(60), "Trakt cannot be reached")
            case .brokeOff: throw .broken("a call to Trakt broke off")
            case .answered(let answer):
                switch answer.reply(now: SystemWallClock().now) {
                case .delivered where answer.status == 200 && !answer.isHTML: return answer
                case .askUser(.needsReauth) where !isLast:
                    token = try usable(await tokens.renewed(of: lane, instead: token))
                case .askUser(let trouble): throw .askUser(trouble)
                case .wait(let time, let reason): throw .wait(time, reason)
                default: throw .broken("Trakt answered \(answer.status)\(answer.isHTML ? " with a page" : "")")
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

    static func plural(_ kind: TitleKind) -> String {
        switch kind {
        case .movie: "movies"
        case .series: "shows"
        case .season: "seasons"
        case .episode: "episodes"
        }
    }

    private static func moment(_ value: JSONValue) -> Timestamp? { value.string.flatMap { Timestamp($0) } }
}

/// Places for reads: shared by all replicas.
package protocol ReadAllowance: Sendable {
    /// Takes one place, waiting a while for it; false where there is none soon.
    func take(_ lane: LaneKey) async -> Bool
}

/// When something happened last, as Trakt says it: compared for inequality only.
package struct TraktActivities: Sendable, Hashable {
    private let groups: [String: [String: String]]

    package init(_ value: JSONValue) {
        var groups: [String: [String: String]] = [:]
        for member in value.object?.members ?? [] {
            for field in member.value.object?.members ?? [] {
                groups[member.name, default: [:]][field.name] = field.value.string
            }
        }
        self.groups = groups
    }

    /// What concerns one list; "" where nothing is said.
    package func stamp(_ facet: SyncFacet, _ kind: TitleKind) -> String {
        let group = TraktReader.plural(kind)
        let field: String
        switch facet {
        case .history: field = "watched_at"
        case .ratings: field = "rated_at"
        case .watchlist: field = "watchlisted_at"
        case .collection: field = "collected_at"
        case .progress: field = "paused_at"
        }
        return groups[group]?[field] ?? ""
    }
}

/// A title as a row names it.
package struct TraktItem: Sendable, Hashable {
    package let kind: TitleKind
    /// Trakt's number, the name of the title in every list.
    package let number: Int64
    package let ids: ExternalIds
    package let name: String?
    package let year: Int?
    package let series: ExternalIds?
    package let seriesName: String?
    package let seriesYear: Int?
    package let season: Int?
    package let episode: Int?

    /// Reads the part of a row that names its title; nil where that has no number.
    package init?(_ row: JSONValue, _ kind: TitleKind) {
        let names: [TitleKind: String] = [.movie: "movie", .series: "show", .season: "season", .episode: "episode"]
        guard let name = names[kind], case let own = row[name], let number = own["ids"]["trakt"].int else { return nil }
        self.kind = kind
        self.number = Int64(number)
        ids = Self.ids(own["ids"])
        self.name = own["title"].string.flatMap { $0.isEmpty ? nil : String($0.prefix(500)) }
        year = own["year"].int.flatMap { (1850...2200).contains($0) ? $0 : nil }
        let isPart = kind == .season || kind == .episode
        series = isPart ? Self.ids(row["show"]["ids"]) : nil
        seriesName = isPart ? row["show"]["title"].string.map { String($0.prefix(500)) } : nil
        seriesYear = isPart ? row["show"]["year"].int.flatMap { (1850...2200).contains($0) ? $0 : nil } : nil
        season = kind == .season ? own["number"].int : kind == .episode ? own["season"].int : nil
        episode = kind == .episode ? own["number"].int : nil
    }

    /// As metadata is asked.
    package var query: TitleQuery {
        TitleQuery(
            kind: kind, ids: ids, name: name, year: year, series: nil, seriesIds: series, seriesName: seriesName,
            seriesYear: seriesYear, seasonNumber: season, episodeNumber: episode)
    }

    /// Members that are absent, null, "" or out of range are not there.
    private static func ids(_ value: JSONValue) -> ExternalIds {
        func number(_ name: String) -> Int? { value[name].int.flatMap { $0 > 0 ? $0 : nil } }
        let imdb = value["imdb"].string.flatMap { $0.wholeMatch(of: /tt[0-9]{7,10}/) == nil ? nil : $0 }
        return ExternalIds(imdb: imdb, tmdb: number("tmdb"), tvdb: number("tvdb"), trakt: number("trakt"))
    }
}
