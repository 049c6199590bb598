package import Contracts
package import JSON

/// The content of a job besides its title; members that are absent do not apply to its action.
package struct JobPayload: Sendable, Hashable, JSONCodable {
    /// How far into the title, 0 to 100.
    package var progressPercent: Double?
    /// When it was watched; absent for a play whose date is unknown.
    package var watchedAt: Timestamp?
    package var precision: PlayPrecision?
    /// 1 to 10, on the other side's scale.
    package var rating: Int?
    /// When it was rated; absent for now.
    package var ratedAt: Timestamp?
    /// The number of the other side's row, if the job is about one of its plays.
    package var theirs: Int64?
    /// When it was added to the collection.
    package var collectedAt: Timestamp?
    /// The form in which it is owned, as written by `CollectedValue`.
    package var media: String?
    /// The status of the wish.
    package var status: WishStatus?
    /// The trace of the call that queued it, in `traceparent` format.
    package var trace: String?

    package init(
        progressPercent: Double? = nil, watchedAt: Timestamp? = nil, precision: PlayPrecision? = nil,
        rating: Int? = nil, ratedAt: Timestamp? = nil,
        theirs: Int64? = nil, collectedAt: Timestamp? = nil, media: String? = nil, status: WishStatus? = nil,
        trace: String? = nil
    ) {
        self.trace = trace
        self.status = status
        self.collectedAt = collectedAt
        self.media = media
        self.progressPercent = progressPercent
        self.watchedAt = watchedAt
        self.precision = precision
        self.rating = rating
        self.ratedAt = ratedAt
        self.theirs = theirs
    }

    package init(from reader: inout JSONReader) throws(JSONError) {
        let value = try JSONValue(from: &reader)
        progressPercent = value["progress_percent"].double
        watchedAt = value["watched_at"].string.flatMap { Timestamp($0) }
        precision = value["precision"].string.flatMap(PlayPrecision.init(rawValue:))
        rating = value["rating"].int
        ratedAt = value["rated_at"].string.flatMap { Timestamp($0) }
        theirs = value["theirs"].int.map { Int64($0) }
        collectedAt = value["collected_at"].string.flatMap { Timestamp($0) }
        media = value["media"].string
        status = value["status"].string.flatMap(WishStatus.init(rawValue:))
        trace = value["trace"].string
    }

    package func encode(to writer: inout JSONWriter) {
        var object = JSONObject()
        if let progressPercent { object.members.append(("progress_percent", .number(JSONNumber(progressPercent)))) }
        if let watchedAt { object.members.append(("watched_at", .string(watchedAt.description))) }
        if let precision { object.members.append(("precision", .string(precision.rawValue))) }
        if let rating { object.members.append(("rating", .number(JSONNumber(rating)))) }
        if let ratedAt { object.members.append(("rated_at", .string(ratedAt.description))) }
        if let theirs { object.members.append(("theirs", .number(JSONNumber(Int(theirs))))) }
        if let collectedAt { object.members.append(("collected_at", .string(collectedAt.description))) }
        if let media { object.members.append(("media", .string(media))) }
        if let status { object.members.append(("status", .string(status.rawValue))) }
        if let trace { object.members.append(("trace", .string(trace))) }
        JSONValue.object(object).encode(to: &writer)
    }
}

extension JobPayload {
    /// Returns the payload as part of a trace; one that already belongs to a trace keeps it.
    func traced(by trace: String?) -> JobPayload {
        var payload = self
        payload.trace = payload.trace ?? trace
        return payload
    }
}
