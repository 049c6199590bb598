package import Contracts
package import JSON

/// Reads the rows of Trakt's lists. Members that are absent, null, "" or out of range count as missing.
package enum TraktRows {
    static func plural(_ kind: TitleKind) -> String {
        switch kind {
        case .movie: "movies"
        case .series: "shows"
        case .season: "seasons"
        case .episode: "episodes"
        }
    }

    private static func singular(_ kind: TitleKind) -> String { kind == .series ? "show" : kind.rawValue }

    /// Returns the path of a list, of one kind or of all.
    package static func path(_ facet: SyncFacet, _ kind: TitleKind?, from day: CalendarDate?) -> String {
        let name = facet == .progress ? "playback" : facet.rawValue
        return "sync/\(name)" + (kind.map { "/\(plural($0))" } ?? "") + (day.map { "?start_at=\($0)" } ?? "")
    }

    /// Returns the kind of a row of a mixed list; nil if it is not a title. A row that does not say is taken for a
    /// film, and cannot be read as one.
    package static func kind(of row: JSONValue) -> TitleKind? {
        guard let type = row["type"].string else { return .movie }
        return TitleKind.allCases.first { singular($0) == type }
    }

    /// Returns the identity of the account, by an ID that does not change when the account is renamed.
    static func account(_ settings: [UInt8]) -> RemoteAccount? {
        guard let user = (try? decodeJSON(JSONValue.self, from: settings))?["user"],
            let key = user["ids"]["uuid"].string ?? user["ids"]["slug"].string
        else { return nil }
        let name = user["username"].string ?? key
        return RemoteAccount(key: String(key.prefix(200)), name: String(name.prefix(200)))
    }

    /// Returns when something last happened, by facet and kind.
    package static func activities(_ value: JSONValue, clockSkew: Duration?) -> RemoteActivities {
        let fields: [SyncFacet: String] = [
            .history: "watched_at", .ratings: "rated_at", .watchlist: "watchlisted_at", .collection: "collected_at",
            .progress: "paused_at",
        ]
        var stamps: [SyncFacet: [TitleKind: String]] = [:]
        for (facet, field) in fields {
            for kind in TitleKind.allCases { stamps[facet, default: [:]][kind] = value[plural(kind)][field].string }
        }
        return RemoteActivities(stamps, clockSkew: clockSkew)
    }

    /// Returns one row of a list; nil if it cannot be understood.
    package static func row(_ row: JSONValue, _ facet: SyncFacet, _ kind: TitleKind) -> RemoteRow? {
        guard let item = item(row, kind), let value = value(row, facet) else { return nil }
        return RemoteRow(item: item, value: value)
    }

    private static func value(_ row: JSONValue, _ facet: SyncFacet) -> RemoteValue? {
        switch facet {
        case .history:
            // Undated plays come as null, or as a moment before Trakt existed.
            row["id"].int.map { id in
                .play(id: Int64(id), at: moment(row["watched_at"]).flatMap { $0.date.year < 1971 ? nil : $0 })
            }
        case .ratings:
            row["rating"].int.flatMap { (1...10).contains($0) ? .rating($0, at: moment(row["rated_at"])) : nil }
        case .watchlist: .listed(at: moment(row["listed_at"]))
        case .collection: .collected(media(row["metadata"]), at: moment(row["collected_at"]))
        case .progress:
            row["progress"].double.flatMap {
                (0...100).contains($0) ? .progress(percent: $0, at: moment(row["paused_at"])) : nil
            }
        }
    }

    private static func media(_ value: JSONValue) -> CollectionDetails {
        func word(_ name: String) -> String? { value[name].string.flatMap { $0.isEmpty ? nil : String($0.prefix(50)) } }
        return CollectionDetails(
            mediaType: word("media_type"), resolution: word("resolution"), hdr: word("hdr"), audio: word("audio"),
            audioChannels: word("audio_channels"), is3D: value["3d"].bool)
    }

    /// Returns the part of a row that names its title; nil if that has no number.
    private static func item(_ row: JSONValue, _ kind: TitleKind) -> RemoteItem? {
        guard case let own = row[singular(kind)], let number = number(row, own, kind) else { return nil }
        func name(_ value: JSONValue) -> String? {
            value["title"].string.flatMap { $0.isEmpty ? nil : String($0.prefix(500)) }
        }
        func year(_ value: JSONValue) -> Int? { value["year"].int.flatMap { (1850...2200).contains($0) ? $0 : nil } }
        let show = row["show"]
        let isPart = kind == .season || kind == .episode
        return RemoteItem(
            kind: kind, number: number, ids: ids(own["ids"]), name: name(own), year: year(own),
            series: isPart ? ids(show["ids"]) : nil, seriesName: isPart ? name(show) : nil,
            seriesYear: isPart ? year(show) : nil,
            season: kind == .season ? own["number"].int : kind == .episode ? own["season"].int : nil,
            episode: kind == .episode ? own["number"].int : nil)
    }

    /// Returns Trakt's own number. Seasons, and parts of shows in general, have come without one; then the numbers of
    /// the show, the season and the episode together, negative, stand for it.
    private static func number(_ row: JSONValue, _ own: JSONValue, _ kind: TitleKind) -> Int64? {
        if let number = own["ids"]["trakt"].int { return Int64(number) }
        guard kind == .season || kind == .episode, let show = row["show"]["ids"]["trakt"].int,
            let season = kind == .season ? own["number"].int : own["season"].int, (0..<10_000).contains(season),
            let episode = kind == .season ? 9_999 : own["number"].int, (0..<10_000).contains(episode),
            (1..<1_000_000_000).contains(show)
        else { return nil }
        return -(Int64(show) * 100_000_000 + Int64(season) * 10_000 + Int64(episode))
    }

    private static func ids(_ value: JSONValue) -> ExternalIds {
        func number(_ name: String) -> Int? { value[name].int.flatMap { $0 > 0 ? $0 : nil } }
        let imdb = value["imdb"].string.flatMap { $0.wholeMatch(of: /tt[0-9]{7,10}/) == nil ? nil : $0 }
        return ExternalIds(imdb: imdb, tmdb: number("tmdb"), tvdb: number("tvdb"), trakt: number("trakt"))
    }

    private static func moment(_ value: JSONValue) -> Timestamp? { value.string.flatMap { Timestamp($0) } }
}
