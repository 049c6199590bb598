package import Contracts
package import JSON

/// A call to Simkl: a path below its address, and a body.
package struct SimklCall: Sendable, Hashable {
    package let path: String
    package let body: JSONValue
}

/// A play that stands here, as others are told of it.
package struct StandingPlay: Sendable, Hashable {
    /// Absent where its date is unknown.
    package let watchedAt: Timestamp?
    package let precision: PlayPrecision

    package init(watchedAt: Timestamp?, precision: PlayPrecision) {
        self.watchedAt = watchedAt
        self.precision = precision
    }
}

extension QueueJob {
    /// The same for a side that has one date for each title, where that play is the latest: it has the title's date from then
    /// on, and a play that is taken out leaves it there.
    func telling(of play: StandingPlay) -> QueueJob {
        var payload = payload
        (payload.watchedAt, payload.precision) = (play.watchedAt, play.precision)
        return QueueJob(
            id: id, position: position, kind: kind, title: title, action: action == .removePlay ? .addPlay : action,
            payload: payload, state: state)
    }
}

/// What is written to Simkl for a job.
package enum SimklCalls {
    /// A stop below this is taken for a pause.
    static let stopProgressMin = 80.5
    /// A stop beyond this counts as watched.
    static let pauseProgressMax = 79.99
    /// Stands for "watched at some time".
    static let unknownDate = "1970-01-01T00:00:01Z"

    /// A job with the title that it is about, as it is named elsewhere.
    package typealias Named = (job: QueueJob, title: TitleQuery)

    /// Why Simkl cannot hold what a job says; nil where it can.
    package static func refusal(_ action: JobAction, _ kind: TitleKind) -> String? {
        switch action {
        case .start, .pause, .stop, .checkIn, .checkOut, .addPlay:
            kind == .movie || kind == .episode ? nil : "a show or a season is not watched in one go"
        case .removePlay:
            // A film that leaves the history leaves everything, its rating too.
            kind == .episode ? nil : "Simkl would take the film's rating along with its play, so it stays there"
        case .rate, .unrate:
            kind == .movie || kind == .series ? nil : "Simkl rates films and shows only"
        case .addToWatchlist:
            kind == .movie || kind == .series ? nil : "Simkl plans to watch films and shows only"
        case .removeFromWatchlist:
            kind == .movie || kind == .series ? nil : "Simkl plans to watch films and shows only"
        case .addToCollection, .removeFromCollection: "Simkl has no library"
        }
    }

    /// Whether a job sets or takes away the date at which a title was watched. `isLate`: as in `call`.
    static func writesHistory(_ action: JobAction, isLate: Bool) -> Bool {
        switch action {
        case .addPlay, .removePlay: true
        case .stop: isLate
        default: false
        }
    }

    /// The call for jobs of one action. `isLate`: what was to be told as it happened goes into the history.
    package static func call(_ action: JobAction, _ jobs: [Named], isLate: Bool) -> SimklCall? {
        guard let first = jobs.first else { return nil }
        switch action {
        case .start, .pause: return scrobble(action.rawValue, at: progress(first), first)
        // It begins at the beginning, and Simkl counts it by itself some minutes after it must be over.
        case .checkIn: return scrobble("checkin", at: nil, first)
        case .checkOut: return scrobble("stop", at: min(progress(first), pauseProgressMax), first)
        case .stop where !isLate: return scrobble("stop", at: max(progress(first), stopProgressMin), first)
        case .stop, .addPlay: return SimklCall(path: "sync/history", body: history(jobs, isDated: true))
        case .removePlay: return SimklCall(path: "sync/history/remove", body: history(jobs, isDated: false))
        case .rate:
            return SimklCall(
                path: "sync/ratings",
                body: list(jobs) { [("rating", $0.payload.rating.map { JSONValue.number(JSONNumber($0)) } ?? .null)] })
        case .unrate: return SimklCall(path: "sync/ratings/remove", body: list(jobs) { _ in [] })
        case .addToWatchlist:
            return SimklCall(
                path: "sync/add-to-list",
                body: list(jobs) { [("to", .string(SimklRows.list(of: $0.payload.status ?? .planToWatch)))] })
        // An item without seasons leaves all lists.
        case .removeFromWatchlist: return SimklCall(path: "sync/history/remove", body: list(jobs) { _ in [] })
        case .addToCollection, .removeFromCollection: return nil
        }
    }

    /// Titles that were watched and are on our watchlist no more, each with the list that it goes to, and the date that it has
    /// there already: without one it would be watched now.
    package static func moving(_ jobs: [(named: Named, list: String, watchedAt: String?)]) -> SimklCall {
        let lists = Dictionary(jobs.map { ($0.named.job.id, ($0.list, $0.watchedAt)) }) { first, _ in first }
        return SimklCall(
            path: "sync/add-to-list",
            body: list(jobs.map(\.named)) { job in
                guard let (list, watchedAt) = lists[job.id] else { return [] }
                return [("to", .string(list))] + (watchedAt.map { [("watched_at", .string($0))] } ?? [])
            })
    }

    /// Simkl's own id and the ones that it knows best; nil where there is none and no name either.
    package static func item(
        _ ids: ExternalIds, _ name: String?, _ year: Int?
    ) -> [(name: String, value: JSONValue)]? {
        var found: [(name: String, value: JSONValue)] = []
        func add(_ name: String, _ number: Int?) {
            if let number, found.count < idsMax { found.append((name, .number(JSONNumber(number)))) }
        }
        add("simkl", ids.simkl)
        if let imdb = ids.imdb { found.append(("imdb", .string(imdb))) }
        add("tmdb", ids.tmdb)
        add("tvdb", ids.tvdb)
        add("mal", ids.myanimelist)
        add("anidb", ids.anidb)
        guard !found.isEmpty || name != nil else { return nil }
        var item: [(name: String, value: JSONValue)] = []
        if let name { item.append(("title", .string(name))) }
        if let year { item.append(("year", .number(JSONNumber(year)))) }
        item.append(("ids", .object(JSONObject(found))))
        return item
    }

    /// Several ids raise the hit rate; a wrong one may win.
    private static let idsMax = 3

    static func show(_ title: TitleQuery) -> [(name: String, value: JSONValue)]? {
        item(title.seriesIds ?? ExternalIds(), title.seriesName, title.seriesYear)
    }

    /// Whether Simkl can be told which title is meant.
    package static func isNameable(_ title: TitleQuery) -> Bool {
        switch title.kind {
        case .movie, .series: item(title.ids, title.name, title.year) != nil
        case .season: false
        case .episode: show(title) != nil && title.seasonNumber != nil && title.episodeNumber != nil
        }
    }

    private static func progress(_ named: Named) -> Double { named.job.payload.progressPercent ?? 0 }

    private static func scrobble(_ step: String, at progress: Double?, _ named: Named) -> SimklCall? {
        var members: [(name: String, value: JSONValue)] = []
        if let progress {
            // Two decimals at the most.
            members.append(("progress", .number(JSONNumber((progress * 100).rounded() / 100))))
        }
        let title = named.title
        if title.kind == .movie {
            guard let item = item(title.ids, title.name, title.year) else { return nil }
            members.append(("movie", .object(JSONObject(item))))
        } else {
            guard let show = show(title), let season = title.seasonNumber, let number = title.episodeNumber else {
                return nil
            }
            members.append(("show", .object(JSONObject(show))))
            members.append(
                (
                    "episode",
                    .object(
                        JSONObject([("season", .number(JSONNumber(season))), ("number", .number(JSONNumber(number)))]))
                ))
        }
        return SimklCall(path: "scrobble/\(step)", body: .object(JSONObject(members)))
    }

    /// Films one by one, episodes below their shows: numbers are those of TVDB, which Simkl maps for anime.
    private static func history(_ jobs: [Named], isDated: Bool) -> JSONValue {
        func date(_ job: QueueJob) -> [(name: String, value: JSONValue)] {
            isDated ? [("watched_at", .string(job.payload.watchedAt.map(second) ?? unknownDate))] : []
        }
        var members: [(name: String, value: JSONValue)] = []
        let films = jobs.filter { $0.job.kind == .movie }.compactMap { job, title in
            item(title.ids, title.name, title.year).map { JSONValue.object(JSONObject($0 + date(job))) }
        }
        if !films.isEmpty { members.append(("movies", .array(films))) }
        var shows: [(item: [(name: String, value: JSONValue)], jobs: [Named])] = []
        for named in jobs where named.job.kind == .episode {
            guard let item = show(named.title) else { continue }
            let text = JSONValue.object(JSONObject(item))
            if let place = shows.firstIndex(where: { JSONValue.object(JSONObject($0.item)) == text }) {
                shows[place].jobs.append(named)
            } else {
                shows.append((item, [named]))
            }
        }
        let list = shows.map { show -> JSONValue in
            let seasons = Dictionary(grouping: show.jobs) { $0.title.seasonNumber ?? 0 }.sorted { $0.key < $1.key }
            let parts = seasons.map { number, jobs -> JSONValue in
                let episodes = jobs.map { job, title -> JSONValue in
                    let number: [(name: String, value: JSONValue)] = [
                        ("number", .number(JSONNumber(title.episodeNumber ?? 0)))
                    ]
                    return .object(JSONObject(number + date(job)))
                }
                return .object(
                    JSONObject([("number", .number(JSONNumber(number))), ("episodes", .array(episodes))]))
            }
            return .object(
                JSONObject(show.item + [("use_tvdb_anime_seasons", .bool(true)), ("seasons", .array(parts))]))
        }
        if !list.isEmpty { members.append(("shows", .array(list))) }
        return .object(JSONObject(members))
    }

    private static func list(
        _ jobs: [Named], with more: (QueueJob) -> [(name: String, value: JSONValue)]
    ) -> JSONValue {
        let members = [(TitleKind.movie, "movies"), (.series, "shows")].compactMap {
            kind, name -> (name: String, value: JSONValue)? in
            let items = jobs.filter { $0.job.kind == kind }.compactMap { job, title in
                item(title.ids, title.name, title.year).map { JSONValue.object(JSONObject($0 + more(job))) }
            }
            return items.isEmpty ? nil : (name, .array(items))
        }
        return .object(JSONObject(members))
    }

    /// Down to the second, as Simkl keeps it.
    static func second(_ at: Timestamp) -> String {
        let micros = at.microsecondsSinceEpoch
        let whole = micros - ((micros % 1_000_000) + 1_000_000) % 1_000_000
        return Timestamp(clampingMicrosecondsSinceEpoch: whole).description
    }
}
