package import Contracts
import JSON
import Postgres
package import Store

/// People's ratings in Postgres.
package struct RatingsStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// The outcome of a request as a whole.
    enum Fate: String, PGScalar, PGDecodable {
        case done
        /// The key was used for the same request before: the answer is the one given then.
        case replayed
        /// The key was used for another request.
        case reused
        /// The person was deleted.
        case gone
    }

    /// The outcome of one item.
    enum ItemResult: String, PGScalar, PGDecodable, PGArrayElement {
        case created, updated, removed, same, absent, older, repeated, mismatch
        case inFuture = "in_future"
        case invalid
    }

    /// The outcome of a request; the current rating is included only if the request has one item.
    struct Answer: Sendable {
        let fate: Fate
        let results: [ItemResult]
        let versions: [Int?]
        let title: TitleID?
        let rating: DecimalTenths?
        let review: String?
        let spoiler: Bool?
        let ratedAt: Timestamp?
        let updatedAt: Timestamp?
        let source: ChangeSource?
    }

    /// Who requests a change, why, and under which key.
    struct Request: Sendable {
        let user: UserID
        let source: ChangeSource
        let batch: BatchID?
        /// An item replaces only what is older by its own date.
        var onlyNewer = false
        var key: String?
        /// The digest of the method and its parameters; the same key with another digest is refused.
        var digest: [UInt8]?
        /// The digest that an earlier version kept for the same request, if it differs, by the former ids of its
        /// titles.
        var earlier: (@Sendable (FormerTitles) -> [UInt8])?
    }

    /// One title to rate, or whose rating to remove.
    struct Item: Sendable {
        let title: TitleID
        /// Nil to remove the rating.
        var kind: TitleKind?
        var rating: DecimalTenths?
        /// Nil keeps the review; empty removes it.
        var review: String?
        /// Nil keeps it.
        var spoiler: Bool?
        let ratedAt: Timestamp
        var given: GivenRating?
        var play: PlayID?
        /// The version that must be current, 0 for none.
        var expectedVersion: Int?
        /// Why it is not even tried.
        var refusal: ItemResult?
    }

    /// A rating that was found; one that is not whole may lack its review.
    struct Found: Sendable {
        let rating: Rating
        let isWhole: Bool
    }

    /// One of the answers to one of several questions.
    struct LookedUp: Sendable {
        /// The version of everything in the database (`Database.versionSQL`).
        let data: String
        /// The index of the question, from 0.
        let index: Int
        let version: String
        let isKnown: Bool
        /// Nil if none of the titles is rated, or the version is known.
        let found: FoundRating?
    }

    /// The number of ratings that were moved, and of those that met another of the same person.
    struct Moved: Sendable {
        var count = 0
        var met = 0
    }

    // MARK: Writing

    /// Changes one rating; the last change to arrive wins.
    func change(
        _ item: Item, _ request: Request, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Answer {
        try await recognised(request, about: [item.title], until: deadline) { (request) async throws(StoreError) in
            let answers = try await database.rows(
                RatingsQueries.changeOne,
                [
                    .id(request.user), .text(request.key), .bytea(request.digest), .id(item.title),
                    .text(item.kind?.rawValue), .rating(item.rating), .text(item.review), .bool(item.spoiler),
                    .moment(item.ratedAt), .rating(item.given?.value), .text(item.given?.scale.rawValue),
                    .id(item.play), .int(item.expectedVersion), .moment(now), .word(request.source), .id(request.batch),
                ], until: deadline)
            guard let answer = answers.first else { throw .fault("a change returned no row") }
            return answer
        }
    }

    /// Changes many ratings of one person, all or none.
    func change(
        _ items: [Item], _ request: Request, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Answer {
        func column<Value>(_ value: (Item) -> Value) -> [Value] { items.map(value) }
        let titles = column(\.title)
        return try await recognised(request, about: titles, until: deadline) { (request) async throws(StoreError) in
            let answers = try await database.rows(
                RatingsQueries.changeMany,
                [
                    .id(request.user), .text(request.key), .bytea(request.digest), .word(request.source),
                    .id(request.batch), .bool(request.onlyNewer),
                    .ids(titles), .textArray(column { $0.kind?.rawValue }),
                    .tenthsArray(column { $0.rating.map { PGTenths(tenths: $0.tenths) } }),
                    .textArray(column(\.review)), .boolArray(column(\.spoiler)),
                    .timestampArray(column { PGTimestamp(microseconds: $0.ratedAt.microsecondsSinceEpoch) }),
                    .tenthsArray(column { $0.given.map { PGTenths(tenths: $0.value.tenths) } }),
                    .textArray(column { $0.given?.scale.rawValue }),
                    .uuidArray(column { $0.play.map { PGUUID(high: $0.uuid.high, low: $0.uuid.low) } }),
                    .int8Array(column { $0.expectedVersion.map(Int64.init) }),
                    .textArray(column { $0.refusal?.rawValue }), .moment(now),
                ], until: deadline)
            guard let answer = answers.first else { throw .fault("a change returned no row") }
            return answer
        }
    }

    /// Makes `change` for a request, and if its key has the digest of an earlier version, once more with that.
    private func recognised(
        _ request: Request, about titles: [TitleID], until deadline: ContinuousClock.Instant,
        _ change: (Request) async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let answer = try await change(request)
        guard answer.fate == .reused, let earlier = request.earlier, let key = request.key else { return answer }
        let kept = try await database.rows(
            RatingsQueries.keptDigest, [.id(request.user), .text(key)], until: deadline
        ).first
        let merges = try await database.rows(
            RatingsQueries.mergedInto, [.ids(Array(Set(titles)))], until: deadline)
        guard let kept, FormerTitles.all(by: merges).contains(where: { earlier($0) == kept }) else { return answer }
        var again = request
        again.digest = kept
        return try await change(again)
    }

    /// Removes keys that have expired, so many at a time that the next round may be late.
    package func forgetKeys(at now: Timestamp) async throws(StoreError) {
        try await database.run(
            RatingsQueries.forgetKeys,
            [.moment(now.advanced(by: .zero - RatingsLimits.keyLife)), .int(RatingsLimits.keySweepRowsMax)],
            until: .now.advanced(by: .seconds(30)))
    }

    // MARK: Reading

    func rating(
        of title: TitleID, by user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Rating? {
        try await database.rows(RatingsQueries.get, [.id(user), .id(title)], until: deadline).first
    }

    /// The ratings among `wanted` that are not known yet, in the order of the people.
    func ratings(
        wanted: [PersonTitles], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [LookedUp] {
        let places = wanted.indices.flatMap { index in repeatElement(index + 1, count: wanted[index].titles.count) }
        return try await database.rows(
            RatingsQueries.lookUp,
            [
                .ids(wanted.map(\.user)), .textArray(wanted.map(\.known)), .intArray(places),
                .ids(wanted.flatMap(\.titles)),
            ], until: deadline)
    }

    /// The ratings of those among `titles` that have one, in no order; whole only until their reviews total
    /// `reviewBytesMax`.
    func ratings(
        of titles: [TitleID], by user: UserID, reviewBytesMax: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Found] {
        try await database.rows(
            RatingsQueries.getMany, [.id(user), .ids(titles), .int(reviewBytesMax)], until: deadline)
    }

    /// The ratings after `place` that match `wish`, in its order.
    func ratings(
        of user: UserID, _ wish: RatingWish, after place: RatingPlace, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Rating] {
        // A missing review contains no words.
        if wish.words != nil, wish.hasReview == false { return [] }
        let review: ListQueries.Shape.Review =
            switch (wish.words, wish.hasReview) {
            case (_?, _): .containing
            case (nil, true?): .some
            case (nil, false?): .none
            case (nil, nil): .any
            }
        let shape = ListQueries.Shape(
            sort: wish.sort, hasRatings: wish.boundsRatings, hasKind: wish.kind != nil, review: review)
        guard let list = ListQueries.lists[shape] else { throw .fault("there is no query for \(shape)") }
        let place = place.held(before: wish.until)
        let values = list.parameters.map { parameter -> PGValue in
            switch parameter {
            case .user: .id(user)
            case .from: .moment(wish.from)
            case .until: .moment(wish.until)
            case .lowest: .rating(wish.lowest)
            case .highest: .rating(wish.highest)
            case .placeMoment: .moment(place.ratedAt)
            case .placeRating: .rating(place.rating)
            case .placeTitle: .id(place.title)
            case .rowsMax: .int(limit)
            case .kind: .text(wish.kind?.rawValue)
            case .words: .text(wish.words)
            }
        }
        return try await database.rows(list.statement, values, until: deadline)
    }

    func statistics(
        of user: UserID, in timeZone: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (groups: [StatisticsGroup], reviewCount: Int) {
        let groups = try await database.rows(
            RatingsQueries.statistics, [.id(user), .text(timeZone)], until: deadline)
        let reviews = try await database.rows(RatingsQueries.reviewCount, [.id(user)], until: deadline)
        return (groups, reviews.first ?? 0)
    }

    /// One summary for each of `titles`, in order.
    func summaries(
        of titles: [TitleID], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [RatingSummary] {
        try await database.rows(RatingsQueries.summaries, [.ids(titles)], until: deadline)
    }

    // MARK: Changes

    func event(
        _ version: Int, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> RatingChange? {
        try await database.rows(RatingsQueries.event, [.id(user), .int(version)], until: deadline).first
    }

    /// The changes before `version`, latest first.
    func timeline(
        of user: UserID, title: TitleID?, batch: BatchID?, before version: Int, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [RatingChange] {
        let values: [PGValue] = [.id(user), .int(version), .int(limit)]
        if let title {
            return try await database.rows(
                RatingsQueries.timelineOfTitle, values + [.id(title), .id(batch)], until: deadline)
        }
        if let batch {
            return try await database.rows(RatingsQueries.timelineOfBatch, values + [.id(batch)], until: deadline)
        }
        return try await database.rows(RatingsQueries.timeline, values, until: deadline)
    }

    /// The changes after `version`, in order, and the person's latest version.
    func changes(
        of user: UserID, after version: Int, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (changes: [RatingChange], version: Int) {
        let changes = try await database.rows(
            RatingsQueries.feed, [.id(user), .int(version), .int(limit)], until: deadline)
        // Queried second, so that it is never behind the changes.
        let last = try await database.rows(RatingsQueries.version, [.id(user)], until: deadline).first
        return (changes, last ?? 0)
    }

    /// What `batch` has changed after `version`, title by title; if requested, with the reviews that it would restore,
    /// until these total `restoreReviewBytesMax`.
    func restorable(
        _ batch: BatchID, of user: UserID, after version: Int, limit: Int, withReviews: Bool,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Restorable] {
        try await database.rows(
            RatingsQueries.restorable,
            [
                .id(user), .id(batch), .int(version), .int(limit), .int(RatingsLimits.restoreReviewBytesMax),
                .bool(withReviews),
            ], until: deadline)
    }

    // MARK: Deletion and merges

    func isDeleted(_ user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        try await !database.rows(RatingsQueries.isDeleted, [.id(user)], until: deadline).isEmpty
    }

    /// Marks a person as deleted; once this returns, no rating of theirs is written any more.
    func bury(
        _ user: UserID, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(RatingsQueries.lockPerson, [.id(user)])
            try await transaction.execute(RatingsQueries.bury, [.id(user), .moment(now)])
        }
    }

    /// Removes up to `many` ratings of a deleted person; returns how many. A merge at the same time has either moved
    /// them before they are looked for, or finds none.
    func forgetRatings(
        of user: UserID, many: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Int {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(RatingsQueries.lockPerson, [.id(user)])
            return try await transaction.first(
                RatingsQueries.forgetRatings, [.id(user), .int4(Int32(clamping: many))]) ?? 0
        }
    }

    /// Removes up to `many` changes of a deleted person; returns how many.
    func forgetEvents(
        of user: UserID, many: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Int {
        try await database.rows(RatingsQueries.forgetEvents, [.id(user), .int(many)], until: deadline).first ?? 0
    }

    /// Removes the rest of a deleted person's data.
    func forgetPerson(_ user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        for statement in RatingsQueries.forgetPerson {
            try await database.run(statement, [.id(user)], until: deadline)
        }
    }

    /// Records merges; once this returns, the id of a merged title means the title that remains. If all are recorded
    /// already, no writer waits.
    func recordMerges(
        _ moves: [TitleMove], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let ids: [PGValue] = [.ids(moves.map(\.from)), .ids(moves.map(\.to))]
        if try await database.rows(RatingsQueries.areRecorded, ids, until: deadline).first == true { return }
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(RatingsQueries.lockRecorders)
            if try await transaction.first(RatingsQueries.areRecorded, ids) != true {
                try await transaction.execute(RatingsQueries.lockMerges)
                try await transaction.execute(RatingsQueries.recordMerges, ids)
            }
        }
    }

    /// Whether anything is rated under those of `titles` that were merged into others.
    func isLeftBehind(
        _ titles: [TitleID], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.rows(RatingsQueries.isLeftBehind, [.ids(titles)], until: deadline).first ?? false
    }

    /// Moves up to `many` ratings of merged titles.
    func moveRatings(
        from titles: [TitleID], many: Int, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Moved {
        // In a transaction, so that calls waiting for each other here leave connections to reads and writes.
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.first(
                RatingsQueries.moveRatings, [.ids(titles), .int4(Int32(clamping: many)), .moment(now)])
        } ?? Moved()
    }
}
