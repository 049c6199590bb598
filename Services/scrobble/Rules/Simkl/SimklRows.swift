package import Contracts
package import JSON

/// Converts Simkl's library to rows of lists. An item there has one state, one date and one rating.
package enum SimklRows {
    /// The groups of a library.
    package static let groups = ["shows", "anime", "movies"]

    /// Dates before this year mean "watched at some time".
    private static let unknownYear = 1971

    /// An item of the library, with its group.
    package struct Item: Sendable, Hashable {
        package let group: String
        package let simkl: Int64
        package let row: JSONValue
        /// Whether it was removed from all lists.
        package let isGone: Bool

        package init(group: String, simkl: Int64, row: JSONValue, isGone: Bool = false) {
            self.group = group
            self.simkl = simkl
            self.row = row
            self.isGone = isGone
        }

        /// Anime films are in the anime group.
        package var kind: TitleKind {
            group == "movies" || row["anime_type"].string == "movie" ? .movie : .series
        }

        fileprivate var media: JSONValue { SimklRows.media(row) }
    }

    /// Returns the identity of the account.
    static func account(_ settings: JSONValue) -> RemoteAccount? {
        guard let key = settings["account"]["id"].int else { return nil }
        return RemoteAccount(
            key: String(key), name: String((settings["user"]["name"].string ?? String(key)).prefix(200)))
    }

    /// Returns the title of a row; anime are under the key of shows.
    private static func media(_ row: JSONValue) -> JSONValue {
        ["movie", "show", "anime"].map { row[$0] }.first { $0.object != nil } ?? .null
    }

    /// The members of an item that are kept.
    private static let members: Set = [
        "status", "added_to_watchlist_at", "last_watched_at", "user_rated_at", "user_rating", "anime_type", "show",
        "movie",
        "anime", "seasons",
    ]

    /// Returns the items of a response; nil if it is not a library. `null`, `{}`, `[]` and missing groups mean no items
    /// and are not a change.
    package static func items(_ body: JSONValue) -> (items: [Item], unreadable: Int)? {
        if body.isNull { return ([], 0) }
        if case .array(let rows) = body, rows.isEmpty { return ([], 0) }
        guard body.object != nil else { return nil }
        var (items, unreadable) = ([Item](), 0)
        for group in groups where !body[group].isNull {
            guard case .array(let rows) = body[group] else { return nil }
            for row in rows {
                let ids = media(row)["ids"]
                if let simkl = number(ids["simkl"]) ?? number(ids["simkl_id"]) {
                    let kept = row.object?.members.filter { members.contains($0.name) } ?? []
                    items.append(Item(group: group, simkl: Int64(simkl), row: .object(JSONObject(kept))))
                } else {
                    unreadable += 1
                }
            }
        }
        return (items, unreadable)
    }

    /// Returns the same stamps for every list: Simkl reports when anything in a group changed, and reading it read
    /// everything.
    package static func activities(
        _ stamps: SimklStamps, playback: String, clockSkew: Duration? = nil
    ) -> RemoteActivities {
        func both(_ group: String) -> String {
            [group, "anime"].map { "\(stamps.groups[$0] ?? "") \(stamps.removals[$0] ?? "")" }.joined(separator: " ")
        }
        let (movies, shows) = (both("movies"), both("shows"))
        let byKind: [TitleKind: String] = [.movie: movies, .series: shows, .episode: shows]
        return RemoteActivities(
            [
                .history: byKind, .ratings: byKind, .watchlist: byKind,
                .progress: [.movie: playback, .episode: playback],
            ], clockSkew: clockSkew)
    }

    /// Returns the groups that contain titles of a kind.
    package static func groups(of kind: TitleKind) -> [String] {
        kind == .movie ? ["movies", "anime"] : ["shows", "anime"]
    }

    /// Returns the rows of a list, of one kind.
    package static func rows(_ items: [Item], _ facet: SyncFacet, _ kind: TitleKind) -> [RemoteRow] {
        items.filter { !$0.isGone }.flatMap { item -> [RemoteRow] in
            if facet == .history, kind == .episode { return item.kind == .series ? episodes(item) : [] }
            guard item.kind == kind, let value = value(item.row, facet, item.simkl, kind) else { return [] }
            return [RemoteRow(item: title(item), value: value)]
        }
    }

    /// Returns items that are on a list there that is not ours, being watched or completed, and would leave it.
    package static func elsewhere(_ items: [Item], _ kind: TitleKind, finishedOnly: Bool = false) -> [RemoteItem] {
        items.filter { item in
            guard !item.isGone, item.kind == kind, let status = item.row["status"].string else { return false }
            return finishedOnly ? status == completed : !status.isEmpty && statuses[status] == nil
        }.map(title)
    }

    /// Returns items whose removal from the lists would remove their rating.
    package static func tied(_ items: [Item], _ kind: TitleKind) -> [RemoteItem] {
        items.filter { $0.kind == kind && leaving($0) == .rated }.map(title)
    }

    private static let wished = "plantowatch"
    private static let completed = "completed"

    /// The lists that make up our watchlist.
    private static let statuses: [String: WishStatus] = [
        wished: .planToWatch, "hold": .onHold, "dropped": .dropped,
    ]

    /// Returns the list for a wish.
    static func list(of status: WishStatus) -> String {
        switch status {
        case .planToWatch: wished
        case .onHold: "hold"
        case .dropped: "dropped"
        }
    }

    /// What removing a title from our watchlist means there.
    package enum Leaving: Sendable, Hashable {
        /// It is on none of those lists.
        case gone
        /// It is removed from all lists, and nothing else is lost.
        case bare(simkl: Int64)
        /// It is a film that was watched: it moves to this list.
        case moves(to: String, watchedAt: String?)
        /// Its rating, or a date at which it was watched, would be lost.
        case rated
    }

    /// Returns what removal means, given the library as read; `query` is how other sides know the title.
    package static func leaving(_ query: TitleQuery, among items: [Item]) -> Leaving {
        let asked = query.ids
        let present = items.filter { $0.kind == query.kind && !$0.isGone }
        if let exact = present.first(where: { Int64(asked.simkl ?? 0) == $0.simkl }) { return leaving(exact) }
        // Seasons of an anime are separate items that may share an ID: the one on the list is meant.
        let alike = present.filter { item in
            let ids = ids(item.media["ids"])
            return [\.tmdb, \.tvdb, \.anilist, \.anidb, \.myanimelist].contains { (id: KeyPath<ExternalIds, Int?>) in
                asked[keyPath: id] != nil && asked[keyPath: id] == ids[keyPath: id]
            } || asked.imdb != nil && asked.imdb == ids.imdb
        }
        return alike.map(leaving).first { $0 != .gone } ?? .gone
    }

    private static func leaving(_ item: Item) -> Leaving {
        guard !item.isGone, let status = item.row["status"].string, statuses[status] != nil else { return .gone }
        let watchedAt = item.row["last_watched_at"].string
        if item.kind == .movie, status != wished, let watchedAt {
            return .moves(to: completed, watchedAt: watchedAt)
        }
        if item.row["seasons"].array.contains(where: { !$0["episodes"].array.isEmpty }) {
            return .moves(to: "watching", watchedAt: nil)
        }
        return item.row["user_rating"].int == nil && watchedAt == nil ? .bare(simkl: item.simkl) : .rated
    }

    private static func value(
        _ row: JSONValue, _ facet: SyncFacet, _ simkl: Int64, _ kind: TitleKind
    ) -> RemoteValue? {
        switch facet {
        case .ratings:
            guard let rating = row["user_rating"].int, (1...10).contains(rating) else { return nil }
            if let at = moment(row["user_rated_at"]) { return .rating(rating, at: at) }
            // People mostly rate a title just after watching it.
            return .rating(
                rating, at: nil, about: moment(row["last_watched_at"]) ?? moment(row["added_to_watchlist_at"]))
        case .watchlist:
            guard let status = row["status"].string.flatMap({ statuses[$0] }) else { return nil }
            // A film cannot be on hold: for an anime film that is, the other side would be corrected at once
            // (`ListedValue`).
            let held: WishStatus = kind == .movie && status == .onHold ? .planToWatch : status
            return .listed(at: moment(row["added_to_watchlist_at"]), held)
        case .history:
            guard row["last_watched_at"].string != nil, row["status"].string != wished else { return nil }
            let at = moment(row["last_watched_at"])
            return .play(id: play(simkl, at), at: at)
        case .collection, .progress: return nil
        }
    }

    private static func episodes(_ item: Item) -> [RemoteRow] {
        item.row["seasons"].array.flatMap { season -> [RemoteRow] in
            guard let number = season["number"].int else { return [] }
            return season["episodes"].array.compactMap { episode -> RemoteRow? in
                // Anime are numbered as in AniDB; if Simkl gives TVDB's numbers, those are the ones used here.
                let mapped = episode["tvdb"]
                guard let place = mapped["episode"].int ?? episode["number"].int ?? episode["episode"].int,
                    let named = self.episode(item.media, item.simkl, mapped["season"].int ?? number, place)
                else { return nil }
                let at = moment(episode["watched_at"])
                return RemoteRow(item: named, value: .play(id: play(named.number, at), at: at))
            }
        }
    }

    /// Returns the positions in a response of `/sync/playback`; nil if it is not one.
    package static func positions(_ body: JSONValue, _ kind: TitleKind) -> [RemoteRow]? {
        if body.isNull { return [] }
        guard case .array(let rows) = body else { return nil }
        return rows.compactMap { row in
            let media = media(row)
            guard row["type"].string == (kind == .movie ? "movie" : "episode"), let percent = row["progress"].double,
                (0...100).contains(percent), let simkl = number(media["ids"]["simkl"]).map({ Int64($0) })
            else { return nil }
            let value = RemoteValue.progress(percent: percent, at: moment(row["paused_at"]))
            if kind == .movie {
                let row = JSONValue.object(JSONObject([("movie", media)]))
                return RemoteRow(item: title(Item(group: "movies", simkl: simkl, row: row)), value: value)
            }
            // Documented under both names; TVDB's number is preferred.
            let told = row["episode"]
            guard let place = told["tvdb_number"].int ?? told["number"].int ?? told["episode"].int,
                let item = episode(media, simkl, told["tvdb_season"].int ?? told["season"].int ?? 1, place)
            else { return nil }
            return RemoteRow(item: item, value: value)
        }
    }

    // MARK: Titles

    private static func title(_ item: Item) -> RemoteItem {
        RemoteItem(
            kind: item.kind, number: item.simkl, ids: ids(item.media["ids"]), name: name(item.media),
            year: year(item.media))
    }

    private static func episode(_ media: JSONValue, _ simkl: Int64, _ season: Int, _ number: Int) -> RemoteItem? {
        guard (0..<1_000).contains(season), (1..<10_000).contains(number), simkl < 900_000_000 else { return nil }
        return RemoteItem(
            kind: .episode, number: simkl * 10_000_000 + Int64(season) * 10_000 + Int64(number), ids: ExternalIds(),
            series: ids(media["ids"]), seriesName: name(media), seriesYear: year(media), season: season, episode: number
        )
    }

    private static func name(_ media: JSONValue) -> String? {
        media["title"].string.flatMap { $0.isEmpty ? nil : String($0.prefix(500)) }
    }

    private static func year(_ media: JSONValue) -> Int? {
        media["year"].int.flatMap { (1850...2200).contains($0) ? $0 : nil }
    }

    /// Returns a number, also if given as a string.
    private static func number(_ value: JSONValue) -> Int? {
        (value.int ?? value.string.flatMap { Int($0) }).flatMap { (1...9_007_199_254_740_991).contains($0) ? $0 : nil }
    }

    private static func ids(_ value: JSONValue) -> ExternalIds {
        let imdb = value["imdb"].string.flatMap { $0.wholeMatch(of: /tt[0-9]{7,10}/) == nil ? nil : $0 }
        return ExternalIds(
            imdb: imdb, tmdb: number(value["tmdb"]), tvdb: number(value["tvdb"]),
            simkl: number(value["simkl"]) ?? number(value["simkl_id"]), anilist: number(value["anilist"]),
            anidb: number(value["anidb"]), myanimelist: number(value["mal"]))
    }

    private static func moment(_ value: JSONValue) -> Timestamp? {
        value.string.flatMap { Timestamp($0) }.flatMap { $0.date.year < unknownYear ? nil : $0 }
    }

    /// Returns the number of a play: there, a play is an item with its date, so another date makes it another play.
    /// FNV-1a, which is stable everywhere.
    private static func play(_ number: Int64, _ at: Timestamp?) -> Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(number) \(at?.microsecondsSinceEpoch ?? 0)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return Int64(hash & 0x001f_ffff_ffff_ffff)
    }
}

extension RemoteShape {
    /// One date per item, so only the latest play is sent; no library; whole ratings, of films and shows. Removing a
    /// film would remove its rating.
    package static let simkl = RemoteShape(
        kinds: [
            .history: [.movie, .episode], .ratings: [.movie, .series], .watchlist: [.movie, .series],
            .progress: [.movie, .episode],
        ], letsGoOfWatched: true, keepsOneDate: true,
        keepsRemoved: [.history: [.movie]], holdsStatuses: true)

    package static func of(_ provider: SyncProvider) -> RemoteShape {
        switch provider {
        case .trakt: .trakt
        case .simkl: .simkl
        }
    }
}
