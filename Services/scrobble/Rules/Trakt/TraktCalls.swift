package import Contracts
package import JSON

/// A call to Trakt: a path below its address, and a body.
package struct TraktCall: Sendable, Hashable {
    package let path: String
    package let body: JSONValue
}

/// What is written to Trakt for a job.
package enum TraktCalls {
    /// A stop below this is taken for a pause.
    static let stopProgressMin = 80.5

    /// The call for jobs of one action; nil for an action that is not written this way. `isLate`: what was to be told as
    /// it happened goes into the history.
    package static func call(
        _ action: JobAction, _ jobs: [(job: QueueJob, ids: ExternalIds)], isLate: Bool
    ) -> TraktCall? {
        guard let first = jobs.first else { return nil }
        switch action {
        case .start, .pause: return scrobble(action.rawValue, first.job, first.ids)
        case .stop where !isLate: return scrobble("stop", first.job, first.ids)
        case .stop, .addPlay:
            // A show or a season without its episodes would mark all of them.
            guard jobs.allSatisfy({ $0.job.kind == .movie || $0.job.kind == .episode }) else { return nil }
            return TraktCall(path: "sync/history", body: list(jobs, with: watchedAt))
        case .rate:
            return TraktCall(
                path: "sync/ratings", body: list(jobs) { ("rating", $0.payload.rating.map { .number(JSONNumber($0)) }) }
            )
        case .unrate: return TraktCall(path: "sync/ratings/remove", body: list(jobs) { _ in ("", nil) })
        case .addToWatchlist: return TraktCall(path: "sync/watchlist", body: list(jobs) { _ in ("", nil) })
        case .removeFromWatchlist: return TraktCall(path: "sync/watchlist/remove", body: list(jobs) { _ in ("", nil) })
        case .addToCollection: return TraktCall(path: "sync/collection", body: list(jobs) { _ in ("", nil) })
        case .removeFromCollection:
            return TraktCall(path: "sync/collection/remove", body: list(jobs) { _ in ("", nil) })
        // By the numbers of the rows, which must be looked up first: an item would take all its plays along.
        case .removePlay: return nil
        }
    }

    /// Whether a job is too old to be told as it happens: a scrobble has no date but now. It may have waited in the queue,
    /// or tell of a sitting that ended long before anybody noticed.
    package static func isLate(_ job: QueueJob, now: Timestamp) -> Bool {
        let liveFor = QueueLimits().liveFor
        if job.state.age > liveFor { return true }
        return job.payload.watchedAt.map { $0.duration(to: now) > liveFor } ?? false
    }

    package static func removal(of plays: [TraktPlay]) -> TraktCall {
        TraktCall(
            path: "sync/history/remove",
            body: .object(JSONObject([("ids", .array(plays.map { .number(JSONNumber($0.id)) }))])))
    }

    /// The one or two ids that Trakt knows best; nil where it knows none.
    package static func ids(_ ids: ExternalIds) -> JSONValue? {
        var members: [(name: String, value: JSONValue)] = []
        if let trakt = ids.trakt { return .object(JSONObject([("trakt", .number(JSONNumber(trakt)))])) }
        if let imdb = ids.imdb { members.append(("imdb", .string(imdb))) }
        if let tmdb = ids.tmdb { members.append(("tmdb", .number(JSONNumber(tmdb)))) }
        if members.isEmpty, let tvdb = ids.tvdb { members.append(("tvdb", .number(JSONNumber(tvdb)))) }
        return members.isEmpty ? nil : .object(JSONObject(members))
    }

    private static func scrobble(_ step: String, _ job: QueueJob, _ ids: ExternalIds) -> TraktCall {
        let told = job.payload.progressPercent ?? 0
        let progress = step == "stop" ? max(told, stopProgressMin) : told
        return TraktCall(
            path: "scrobble/\(step)",
            body: .object(
                JSONObject([
                    (job.kind == .movie ? "movie" : "episode", .object(JSONObject([("ids", self.ids(ids) ?? .null)]))),
                    ("progress", .number(JSONNumber(progress))),
                ])))
    }

    private static func watchedAt(_ job: QueueJob) -> (name: String, value: JSONValue?) {
        ("watched_at", .string(job.payload.watchedAt?.description ?? "unknown"))
    }

    /// Items by kind, each with its ids and one more member.
    private static func list(
        _ jobs: [(job: QueueJob, ids: ExternalIds)], with member: (QueueJob) -> (name: String, value: JSONValue?)
    ) -> JSONValue {
        let names: [(TitleKind, String)] = [
            (.movie, "movies"), (.series, "shows"), (.season, "seasons"), (.episode, "episodes"),
        ]
        let members = names.compactMap { kind, name -> (name: String, value: JSONValue)? in
            let items = jobs.filter { $0.job.kind == kind }.map { job, ids in
                var item: [(name: String, value: JSONValue)] = [("ids", self.ids(ids) ?? .null)]
                let (name, value) = member(job)
                if let value { item.append((name, value)) }
                return JSONValue.object(JSONObject(item))
            }
            return items.isEmpty ? nil : (name, .array(items))
        }
        return .object(JSONObject(members))
    }

    /// Whether an answer to a list says that Trakt does not have this item; it echoes the ids as they were sent.
    package static func isUnknown(_ ids: ExternalIds, of kind: TitleKind, in body: JSONValue) -> Bool {
        let names: [TitleKind: String] = [.movie: "movies", .series: "shows", .season: "seasons", .episode: "episodes"]
        guard let name = names[kind], let sent = self.ids(ids) else { return false }
        return body["not_found"][name].array.contains { $0["ids"] == sent }
    }
}
