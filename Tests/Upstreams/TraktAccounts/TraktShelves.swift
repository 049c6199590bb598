import FoundationEssentials
import JSON

/// What accounts at Trakt have rated and listed, and when something last happened there. Every row keeps the time when
/// it was added and when it was removed, so that reads can lag behind.
struct TraktShelves: Sendable {
    /// One item on a shelf, between two moments.
    struct Row: Sendable {
        let account: String
        let shelf: String
        let kind: String
        let item: TraktEntity
        let value: JSONValue
        let since: Double
        var until = Double.infinity
    }

    private(set) var rows: [Row] = []
    private var stamps: [String: [Double]] = [:]

    static let kinds = [("movies", "movie"), ("shows", "show"), ("seasons", "season"), ("episodes", "episode")]

    /// The format in which an item is owned, as it was sent.
    static func metadata(_ told: JSONValue) -> JSONValue {
        let names = ["media_type", "resolution", "hdr", "audio", "audio_channels", "3d"]
        return .object(JSONObject(names.map { ($0, told[$0]) }))
    }

    /// Records that something happened in a list.
    mutating func happened(_ account: String, _ group: String, _ field: String, at now: Double) {
        stamps["\(account) \(group) \(field)", default: []].append(now)
    }

    /// The time of the last event in a list, as seen at `now`.
    func stamp(_ account: String, _ group: String, _ field: String, at now: Double) -> String? {
        stamps["\(account) \(group) \(field)"]?.last { $0 <= now }.map(TraktAccounts.exactStamp)
    }

    /// The rows on a shelf at `moment`, newest first.
    func shown(_ account: String, _ shelf: String, _ kind: String?, at moment: Double) -> [Row] {
        rows.filter {
            $0.account == account && $0.shelf == shelf && (kind == nil || $0.kind == kind) && $0.since <= moment
                && moment < $0.until
        }.sorted { ($0.since, $0.item.key) > ($1.since, $1.item.key) }
    }

    /// Replaces an item on a shelf; returns true if there was none.
    mutating func put(
        _ account: String, _ shelf: String, _ kind: String, _ item: TraktEntity, _ value: JSONValue, at now: Double
    ) -> Bool {
        let isNew = take(account, shelf, kind, item.key, at: now) == nil
        rows.append(Row(account: account, shelf: shelf, kind: kind, item: item, value: value, since: now))
        return isNew
    }

    /// Removes an item and returns its row.
    @discardableResult
    mutating func take(_ account: String, _ shelf: String, _ kind: String, _ key: String, at now: Double) -> Row? {
        guard
            let index = rows.lastIndex(where: {
                $0.account == account && $0.shelf == shelf && $0.kind == kind && $0.item.key == key
                    && $0.until == .infinity
            })
        else { return nil }
        rows[index].until = now
        return rows[index]
    }
}

/// A title as Trakt knows it, with the same key whichever ids name it.
struct TraktEntity: Sendable, Hashable {
    let key: String
    /// The item as rows show it: `movie`, `show`, or `season` or `episode` with its `show`.
    let payload: JSONValue
}

/// Resolves ids to titles. An item that the catalogue does not have is accepted as sent, so that tests may use any id.
struct TraktEntities: Sendable {
    private let catalogue: Catalogue?
    private let episodes: [String: (series: CatalogueTitle, episode: CatalogueEpisode)]
    private let payloads = TraktPayloads()
    /// The IMDb ids that are no longer known.
    var forgotten: Set<String> = []

    init(catalogue: Catalogue?) {
        self.catalogue = catalogue
        var found: [String: (series: CatalogueTitle, episode: CatalogueEpisode)] = [:]
        for title in catalogue?.titles ?? [] where title.trakt != nil {
            for episode in title.seasons.flatMap(\.episodes) {
                found["trakt \(episode.tmdb + 50_000_000)"] = (title, episode)
                found["imdb \(episode.imdb)"] = (title, episode)
                found["tvdb \(episode.tvdb)"] = (title, episode)
                found["tmdb \(episode.tmdb)"] = (title, episode)
            }
        }
        episodes = found
    }

    /// The item with these ids; nil if Trakt does not know it.
    func entity(_ kind: String, _ ids: JSONValue) -> TraktEntity? {
        guard ids.object != nil, ids["trakt"].int != 0, !forgotten.contains(ids["imdb"].string ?? "") else {
            return nil
        }
        switch kind {
        case "episode":
            for name in ["trakt", "imdb", "tvdb", "tmdb"] {
                let value = ids[name].int.map { "\($0)" } ?? ids[name].string
                if let value, let found = episodes["\(name) \(value)"] { return episode(found.series, found.episode) }
            }
        case "season":
            if let number = ids["trakt"].int, let title = catalogue?.title(number: number / 100),
                let season = title.seasons.first(where: { $0.number == number % 100 }), title.trakt != nil
            {
                return self.season(title, season)
            }
        default: if let title = title(kind, ids), title.trakt != nil { return self.title(kind, title) }
        }
        return unknown(kind, ids)
    }

    /// The episode of a show with this season and number.
    func episode(of show: JSONValue, season: Int, number: Int) -> TraktEntity? {
        guard let title = title("show", show),
            let found = title.seasons.flatMap(\.episodes).first(where: { $0.season == season && $0.number == number })
        else { return nil }
        return episode(title, found)
    }

    private func title(_ kind: String, _ ids: JSONValue) -> CatalogueTitle? {
        guard let catalogue else { return nil }
        let wanted: CatalogueKind = kind == "show" ? .series : .movie
        let found =
            ids["trakt"].int.flatMap { catalogue.title(number: $0 - 500_000_000) }
            ?? ids["imdb"].string.flatMap { catalogue.title(imdb: $0) }
            ?? ids["tmdb"].int.flatMap { catalogue.title(wanted, tmdb: $0) }
            ?? ids["tvdb"].int.flatMap { catalogue.title(wanted, tvdb: $0) }
            ?? ids["slug"].string.flatMap { slug in catalogue.titles.first { $0.slug == slug } }
        return found.flatMap { $0.kind == wanted ? $0 : nil }
    }

    private func title(_ kind: String, _ title: CatalogueTitle) -> TraktEntity {
        TraktEntity(
            key: "\(title.trakt ?? 0)",
            payload: JSONValue.members([:]).adding([
                kind == "show" ? "show" : "movie": payloads.title(title, isFull: false)
            ])
        )
    }

    private func season(_ title: CatalogueTitle, _ season: CatalogueSeason) -> TraktEntity {
        TraktEntity(
            key: "\((title.number ?? 0) * 100 + season.number)",
            payload: .members([
                "season": payloads.season(season, of: title, isFull: false),
                "show": payloads.title(title, isFull: false),
            ]))
    }

    private func episode(_ title: CatalogueTitle, _ episode: CatalogueEpisode) -> TraktEntity {
        TraktEntity(
            key: "\(episode.tmdb + 50_000_000)",
            payload: .members([
                "episode": payloads.episode(episode, isFull: false), "show": payloads.title(title, isFull: false),
            ]))
    }

    private func unknown(_ kind: String, _ ids: JSONValue) -> TraktEntity {
        let key = String(decoding: encodeJSON(ids), as: UTF8.self)
        let own = JSONValue.members(["title": "A title", "year": nil, "ids": ids])
        return TraktEntity(
            key: ids["trakt"].int.map { "\($0)" } ?? key,
            payload: kind == "season" || kind == "episode"
                ? JSONValue.members([:]).adding([
                    kind == "season" ? "season" : "episode": .members([
                        "season": 1, "number": 1, "title": "A part", "ids": ids,
                    ]), "show": .members(["title": "A show", "year": 2020, "ids": .members(["trakt": 1])]),
                ]) : JSONValue.members([:]).adding([kind == "show" ? "show" : "movie": own]))
    }
}
