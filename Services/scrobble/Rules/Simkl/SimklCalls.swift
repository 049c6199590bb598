package import Contracts
package import JSON

/// A call to Simkl: a path below its base URL, and a body.
package struct SimklCall: Sendable, Hashable {
    package let path: String
    package let body: JSONValue
}

/// A standing play, as it is sent to others.
package struct StandingPlay: Sendable, Hashable {
    /// Nil if its date is unknown.
    package let watchedAt: Timestamp?
    package let precision: PlayPrecision

    package init(watchedAt: Timestamp?, precision: PlayPrecision) {
        self.watchedAt = watchedAt
        self.precision = precision
    }
}

extension QueueJob {
    /// Returns the job for a side with one date per title, where `play` is the latest one: the title gets the date of
    /// `play`, and the job of a removed play leaves it there.
    func telling(of play: StandingPlay) -> QueueJob {
        var payload = payload
        (payload.watchedAt, payload.precision) = (play.watchedAt, play.precision)
        return QueueJob(
            id: id, position: position, kind: kind, title: title, action: action == .removePlay ? .addPlay : action,
            payload: payload, state: state)
    }
}

/// The calls to Simkl for jobs.
package enum SimklCalls {
    /// A stop below this is treated as a pause.
    static let stopProgressMin = 80.5
    /// A stop above this counts as watched.
    static let pauseProgressMax = 79.99
    /// Stands for "watched at some time".
    static let unknownDate = "1970-01-01T00:00:01Z"

    /// A job with its title, as it is named on other sides.
    package typealias Named = (job: QueueJob, title: TitleQuery)

    /// Returns why Simkl cannot hold what a job says; nil if it can.
    package static func refusal(_ action: JobAction, _ kind: TitleKind) -> String? {
        switch action {
        case .start, .pause, .stop, .checkIn, .checkOut, .addPlay:
            kind == .movie || kind == .episode ? nil : "a show or a season is not watched in one go"
        case .removePlay:
            // A film removed from the history is removed from everything, including its rating.
            kind == .episode ? nil : "Simkl would remove the film's rating with its play, so the play stays there"
        case .rate, .unrate:
            kind == .movie || kind == .series ? nil : "Simkl keeps ratings of films and shows only"
        case .addToWatchlist:
            kind == .movie || kind == .series ? nil : "Simkl's watchlist takes films and shows only"
        case .removeFromWatchlist:
            kind == .movie || kind == .series ? nil : "Simkl's watchlist takes films and shows only"
        case .addToCollection, .removeFromCollection: "Simkl has no library"
        }
    }

    /// Whether a job sets or removes the date at which a title was watched. `isLate` is as in `call`.
    static func writesHistory(_ action: JobAction, isLate: Bool) -> Bool {
        switch action {
        case .addPlay, .removePlay: true
        case .stop: isLate
        default: false
        }
    }

    /// Returns the call for jobs of one action. With `isLate`, what was to be sent as it happened goes into the
    /// history.
    package static func call(_ action: JobAction, _ jobs: [Named], isLate: Bool) -> SimklCall? {
        guard let first = jobs.first else { return nil }
        switch action {
        case .start, .pause: return scrobble(action.rawValue, at: progress(first), first)
        // It starts at the beginning, and Simkl counts it by itself some minutes after it must be over.
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
        // An item without seasons is removed from all lists.
        case .removeFromWatchlist: return SimklCall(path: "sync/history/remove", body: list(jobs) { _ in [] })
        case .addToCollection, .removeFromCollection: return nil
        }
    }

    /// Returns the call for watched titles that are no longer on our watchlist, each with the list to move it to and
    /// the date it already has there: without a date, Simkl would set it to now.
    package static func moving(_ jobs: [(named: Named, list: String, watchedAt: String?)]) -> SimklCall {
        let lists = Dictionary(jobs.map { ($0.named.job.id, ($0.list, $0.watchedAt)) }) { first, _ in first }
        return SimklCall(
            path: "sync/add-to-list",
            body: list(jobs.map(\.named)) { job in
                guard let (list, watchedAt) = lists[job.id] else { return [] }
                return [("to", .string(list))] + (watchedAt.map { [("watched_at", .string($0))] } ?? [])
            })
    }

    /// Returns Simkl's own ID and those it knows best; nil if there is none, and no name either.
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

    /// The number of IDs sent: several raise the hit rate, but a wrong one may win.
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
            // At most two decimals.
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

    /// Films individually, episodes below their shows; the numbers are TVDB's, which Simkl maps for anime.
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

    /// Formats a time to the second, Simkl's precision.
    static func second(_ at: Timestamp) -> String {
        let micros = at.microsecondsSinceEpoch
        let whole = micros - ((micros % 1_000_000) + 1_000_000) % 1_000_000
        return Timestamp(clampingMicrosecondsSinceEpoch: whole).description
    }
}
