package import Contracts
package import JSON

/// A call to Trakt: a path below its base URL, and a body.
package struct TraktCall: Sendable, Hashable {
    package let path: String
    package let body: JSONValue
}

/// The calls to Trakt for jobs.
package enum TraktCalls {
    /// A stop below this is treated as a pause.
    static let stopProgressMin = 80.5

    /// A job with the IDs that name its title.
    package typealias Named = (job: QueueJob, ids: JSONValue)

    /// Returns the call for jobs of one action; nil for an action that is not written this way. With `isLate`, what was
    /// to be sent as it happened goes into the history.
    package static func call(_ action: JobAction, _ jobs: [Named], isLate: Bool) -> TraktCall? {
        guard let first = jobs.first else { return nil }
        switch action {
        case .start, .pause: return scrobble(action.rawValue, first)
        case .stop where !isLate: return scrobble("stop", first)
        case .stop, .addPlay: return whole(jobs, "sync/history") { [watchedAt($0)] }
        case .rate: return TraktCall(path: "sync/ratings", body: list(jobs, with: rated))
        case .unrate: return TraktCall(path: "sync/ratings/remove", body: list(jobs))
        case .addToWatchlist: return TraktCall(path: "sync/watchlist", body: list(jobs))
        case .removeFromWatchlist: return TraktCall(path: "sync/watchlist/remove", body: list(jobs))
        case .addToCollection: return whole(jobs, "sync/collection", with: collected)
        case .removeFromCollection: return whole(jobs, "sync/collection/remove")
        // By row number, which must be looked up first: an item would remove all of its plays.
        case .removePlay: return nil
        // A check-in is sent as a start and a stop.
        case .checkIn, .checkOut: return nil
        }
    }

    /// Returns a call about films and episodes only: a show or a season without episodes would mean all of them.
    private static func whole(
        _ jobs: [Named], _ path: String, with members: (QueueJob) -> [(name: String, value: JSONValue?)] = { _ in [] }
    ) -> TraktCall? {
        guard jobs.allSatisfy({ $0.job.kind == .movie || $0.job.kind == .episode }) else { return nil }
        return TraktCall(path: path, body: list(jobs, with: members))
    }

    /// Whether a job is too old to be sent as it happens: a scrobble has no date other than now. It may have waited in
    /// the queue, or be about a sitting that ended long before anyone noticed.
    package static func isLate(_ job: QueueJob, now: Timestamp) -> Bool {
        let liveFor = QueueLimits().liveFor
        if job.state.age > liveFor { return true }
        return job.payload.watchedAt.map { $0.duration(to: now) > liveFor } ?? false
    }

    static func removal(of rows: [Int64]) -> TraktCall {
        TraktCall(
            path: "sync/history/remove",
            body: .object(JSONObject([("ids", .array(rows.map { .number(JSONNumber(Int($0))) }))])))
    }

    /// Returns the IDs by which Trakt may know a title, the most reliable first: if it does not know the title by the
    /// first, the second is tried. Contradictory IDs have no defined meaning there, so few are sent at once.
    package static func forms(_ ids: ExternalIds) -> [JSONValue] {
        func form(_ members: [(name: String, value: JSONValue?)]) -> JSONValue? {
            let there = members.compactMap { member in member.value.map { (name: member.name, value: $0) } }
            return there.isEmpty ? nil : .object(JSONObject(there))
        }
        func number(_ value: Int?) -> JSONValue? { value.map { .number(JSONNumber($0)) } }
        let known = form([("imdb", ids.imdb.map { .string($0) }), ("tmdb", number(ids.tmdb))])
        let forms = [form([("trakt", number(ids.trakt))]), known, form([("tvdb", number(ids.tvdb))])]
        return forms.compactMap(\.self)
    }

    private static func scrobble(_ step: String, _ named: Named) -> TraktCall {
        let told = named.job.payload.progressPercent ?? 0
        let progress = step == "stop" ? max(told, stopProgressMin) : told
        return TraktCall(
            path: "scrobble/\(step)",
            body: .object(
                JSONObject([
                    (named.job.kind == .movie ? "movie" : "episode", .object(JSONObject([("ids", named.ids)]))),
                    ("progress", .number(JSONNumber(progress))),
                ])))
    }

    /// The rating and its day: without a day, it would be rated now.
    private static func rated(_ job: QueueJob) -> [(name: String, value: JSONValue?)] {
        [
            ("rating", job.payload.rating.map { .number(JSONNumber($0)) }),
            ("rated_at", job.payload.ratedAt.map { .string($0.description) }),
        ]
    }

    /// When it was collected, and in which form: Trakt removes whatever is left out.
    private static func collected(_ job: QueueJob) -> [(name: String, value: JSONValue?)] {
        var told: [(name: String, value: JSONValue?)] = []
        if let at = job.payload.collectedAt { told.append(("collected_at", .string(at.description))) }
        for (name, text) in job.payload.media.flatMap({ CollectedValue(stored: $0) })?.members ?? [] {
            told.append((name, name == "3d" ? .bool(text == "true") : .string(text)))
        }
        return told
    }

    private static func watchedAt(_ job: QueueJob) -> (name: String, value: JSONValue?) {
        ("watched_at", .string(job.payload.watchedAt?.description ?? "unknown"))
    }

    private static let names: [(kind: TitleKind, name: String)] = [
        (.movie, "movies"), (.series, "shows"), (.season, "seasons"), (.episode, "episodes"),
    ]

    /// Returns items by kind, each with its IDs and other members.
    private static func list(
        _ jobs: [Named], with more: (QueueJob) -> [(name: String, value: JSONValue?)] = { _ in [] }
    ) -> JSONValue {
        let members = names.compactMap { kind, name -> (name: String, value: JSONValue)? in
            let items = jobs.filter { $0.job.kind == kind }.map { job, ids in
                var item: [(name: String, value: JSONValue)] = [("ids", ids)]
                for (name, value) in more(job) { if let value { item.append((name, value)) } }
                return JSONValue.object(JSONObject(item))
            }
            return items.isEmpty ? nil : (name, .array(items))
        }
        return .object(JSONObject(members))
    }

    /// Whether the response to a list says that Trakt does not know this item; it echoes the IDs as they were sent.
    package static func isUnknown(_ named: Named, in body: JSONValue) -> Bool {
        guard let name = names.first(where: { $0.kind == named.job.kind })?.name else { return false }
        return body["not_found"][name].array.contains { $0["ids"] == named.ids }
    }
}
