import Contracts
import RPC

/// `writeRatings`: sets and removes many of the caller's ratings, with an outcome for each.
struct WriteRatings: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: WriteRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WriteOutcomes> {
        let items = input.body.items
        let titles = try await metadata.titles(Set(items.map(\.title)), context)
        var outcomes = items.map { WriteOutcome(title: $0.title, result: .invalid) }
        var meant: [(place: Int, write: RatingWrite)] = []
        for (place, item) in items.enumerated() {
            guard let title = titles[item.title] else {
                outcomes[place].result = .unknownTitle
                continue
            }
            if let write = RatingWrite(item, of: title) { meant.append((place, write)) }
        }
        let plays = try await RatedPlays(metadata: metadata, scrobble: scrobble)
            .held(Set(meant.compactMap { $0.write.claim }), caller, context)
        var told: [(place: Int, write: RatingWrite)] = []
        for (place, write) in meant {
            var write = write
            if let claim = write.claim, !plays.contains(claim) {
                // Under a key it may be stored, and its play deleted since: so all items are sent again, in their
                // order.
                guard context.once != nil else { continue }
                write.refused = true
                write.expectedVersion = RatingPrecondition.never
            }
            told.append((place, write))
        }
        let moves = titles.flatMap { FoundTitle(asked: $0.key, title: $0.value).moves }
        try await ratings.follow(moves, context.rpc.outgoing())
        let params = WriteRatingsParams(
            user: caller.user, items: told.map { $0.write }, source: .person,
            requestDigest: AskedDigest.of(input.body, context))
        let written = try await ratings.writeRatings(
            params, context.rpc.outgoing(idempotencyKey: context.once?.key)
        ).outcomes
        for (item, outcome) in zip(told, written) {
            // A copy of the previous release ignores `refused` and checks only the version.
            let isRefused = item.write.refused == true && outcome.result == .older
            outcomes[item.place].result = isRefused ? .invalid : outcome.result
            outcomes[item.place].version = outcome.version
        }
        return EdgeReply(WriteOutcomes(outcomes: outcomes))
    }
}

extension MetadataClient {
    /// The maximum number of titles per call.
    private static let titlesMax = 500

    /// Returns the titles that some ids now stand for, by requested id; unknown ids are left out.
    func titles(_ asked: Set<TitleID>, _ context: EdgeContext) async throws(RPCError) -> [TitleID: Title] {
        var titles: [TitleID: Title] = [:]
        let asked = Array(asked)
        for start in stride(from: 0, to: asked.count, by: Self.titlesMax) {
            let part = Array(asked[start..<min(start + Self.titlesMax, asked.count)])
            let found = try await getTitles(GetTitlesParams(titles: part), context.rpc.outgoing())
            for title in found.found { titles[title.asked] = title.title }
        }
        return titles
    }
}

extension RatingWrite {
    /// The play that the rating refers to, as one of its title.
    fileprivate var claim: RatedPlays.Claim? { play.map { RatedPlays.Claim(play: $0, title: title) } }

    /// Nil for an item with none or several of rating, given and remove.
    init?(_ item: RatingItem, of title: Title) {
        if item.remove == true {
            guard item.rating == nil, item.given == nil else { return nil }
            self.init(title: title.id, kind: title.kind)
            return
        }
        guard let rating = try? RatingInput(item.rating, item.given).rating else { return nil }
        self.init(
            title: title.id, kind: title.kind, rating: rating, review: item.review, spoiler: item.spoiler,
            ratedAt: item.ratedAt, given: item.given, play: item.play)
    }
}
