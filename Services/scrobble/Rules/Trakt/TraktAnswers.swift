package import Contracts
package import JSON

/// What the headers of a page say about its list.
package struct TraktPage: Sendable, Hashable {
    package let number: Int?
    /// The number of rows per page, which may be smaller than requested.
    package let limit: Int?
    package let pageCount: Int?
    package let itemCount: Int?

    package init(number: Int? = nil, limit: Int? = nil, pageCount: Int? = nil, itemCount: Int? = nil) {
        self.number = number
        self.limit = limit
        self.pageCount = pageCount
        self.itemCount = itemCount
    }
}

/// A response from Trakt, before it is interpreted.
package struct TraktAnswer: Sendable, Hashable {
    package let status: Int
    package let isHTML: Bool
    package let retryAfter: String?
    /// The header `X-Ratelimit`: a JSON object.
    package let rateLimit: String?
    package let page: TraktPage
    /// The time at Trakt; nil if it is not given.
    package let date: Timestamp?
    package let body: [UInt8]

    package init(
        status: Int, isHTML: Bool, retryAfter: String?, rateLimit: String?, page: TraktPage = TraktPage(),
        date: Timestamp? = nil, body: [UInt8]
    ) {
        self.date = date
        self.status = status
        self.isHTML = isHTML
        self.retryAfter = retryAfter
        self.rateLimit = rateLimit
        self.page = page
        self.body = body
    }

    /// Parses the `Date` header in its one modern form (RFC 9110): `Sun, 06 Nov 1994 08:49:37 GMT`.
    package static func date(_ text: String) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp("\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }

    /// Returns what the response means for the jobs of the call. The status codes are those in Trakt's documentation;
    /// whatever is in front of Trakt answers in HTML and with its own codes (520 to 524).
    package func reply(now: Timestamp) -> JobReply {
        switch status {
        case 200...299: isHTML ? .ambiguous("a web page came in place of Trakt's answer") : .delivered
        // No verdict on the content: redirected, or not processed.
        case 300...399, 408, 425: .notTaken("Trakt did not accept it (\(status))")
        case 401: .askUser(.needsReauth)
        case 403: isHTML ? .wait(.seconds(900), "Trakt refused access (403)") : .askUser(.apiKeyRejected)
        case 409: playedAt.map { .alreadyPlayed($0) } ?? .alreadyThere
        case 420: .barred(.accountLimit)
        case 423: .askUser(.locked)
        case 426: .barred(.vipRequired)
        case 429: .wait(limitedFor(now), "too many requests (429)")
        case 500: .broken("Trakt failed (500)")
        case 502...599: .ambiguous("Trakt is having problems (\(status))")
        case 404: .refused("Trakt does not know the title (404)")
        default: .refused("Trakt refused it (\(status))")
        }
    }

    /// The time of the play that a scrobble would duplicate (409); the response may lack it.
    private var playedAt: Timestamp? {
        (try? decodeJSON(JSONValue.self, from: body))?["watched_at"].string.flatMap { Timestamp($0) }
    }

    /// Returns the longer of both ways of giving it; half a minute if neither is present.
    func limitedFor(_ now: Timestamp) -> Duration {
        let named = retryAfter.flatMap { Int($0) }.map { Duration.seconds(min(max($0, 1), 86_400)) }
        let limit = rateLimit.flatMap { try? decodeJSON(JSONValue.self, from: Array($0.utf8)) }
        let until = limit?["until"].string.flatMap { Timestamp($0) }.map { max(.seconds(1), now.duration(to: $0)) }
        return [named, until].compactMap(\.self).max() ?? .seconds(30)
    }
}

/// A play in Trakt's history.
package struct TraktPlay: Sendable, Hashable {
    package let id: Int
    package let ids: ExternalIds
    /// To the minute; nil if Trakt does not know.
    package let watchedAt: Timestamp?

    /// Reads a row of `/sync/history`; nil if it is of another kind or cannot be read.
    package init?(_ row: JSONValue) {
        guard let id = row["id"].int, let kind = row["type"].string else { return nil }
        let found = row[kind]["ids"]
        self.id = id
        ids = ExternalIds(
            imdb: found["imdb"].string.flatMap { $0.isEmpty ? nil : $0 }, tmdb: found["tmdb"].int,
            tvdb: found["tvdb"].int, trakt: found["trakt"].int)
        let moment = row["watched_at"].string.flatMap { Timestamp($0) }
        watchedAt = moment.flatMap { $0.date.year < 1971 ? nil : $0 }
    }

    /// Whether one of the IDs names the same title; a differing ID counts against it.
    package func isOf(_ other: ExternalIds) -> Bool {
        if let mine = ids.trakt, let theirs = other.trakt { return mine == theirs }
        if let mine = ids.imdb, let theirs = other.imdb { return mine == theirs }
        if let mine = ids.tmdb, let theirs = other.tmdb { return mine == theirs }
        if let mine = ids.tvdb, let theirs = other.tvdb { return mine == theirs }
        return false
    }
}

/// Which of Trakt's plays a job has created.
package enum TraktProof {
    /// Trakt drops the seconds.
    static let minute = Duration.seconds(60)
    /// How far Trakt's clock and ours, and the time a response takes, may shift a scrobble without a date of its own.
    static let before = Duration.seconds(60)
    static let after = Duration.seconds(145)

    /// Whether `play` is the result of the job that was sent at `sentAt`.
    package static func isMade(_ play: TraktPlay, by job: QueueJob, sentAt: Timestamp) -> Bool {
        guard let watchedAt = play.watchedAt else { return job.payload.watchedAt == nil && job.action == .addPlay }
        if let meant = job.payload.watchedAt {
            let apart = meant < watchedAt ? meant.duration(to: watchedAt) : watchedAt.duration(to: meant)
            if apart <= minute { return true }
        }
        guard job.action == .stop else { return false }
        return sentAt.advanced(by: .zero - before) <= watchedAt && watchedAt <= sentAt.advanced(by: after)
    }
}
