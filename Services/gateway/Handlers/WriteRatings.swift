import Contracts
import RPC

/// `writeRatings`: sets and takes back many of my ratings, with an outcome each.
struct WriteRatings: Sendable {
    /// Titles that metadata is asked about at once.
    private static let titlesMax = 500

    let metadata: MetadataClient
    let ratings: RatingsClient

    func run(
        _ input: WriteRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WriteOutcomes> {
        let items = input.body.items
        let titles = try await titles(of: items, context)
        var outcomes = items.map { WriteOutcome(title: $0.title, result: .invalid) }
        var writes: [RatingWrite] = []
        var places: [Int] = []
        for (place, item) in items.enumerated() {
            guard let title = titles[item.title] else {
                outcomes[place].result = .unknownTitle
                continue
            }
            guard let write = RatingWrite(item, of: title) else { continue }
            writes.append(write)
            places.append(place)
        }
        let params = WriteRatingsParams(
            user: caller.user, items: writes, source: .person, requestDigest: AskedDigest.of(input.body, context))
        let written = try await ratings.writeRatings(
            params, context.rpc.outgoing(idempotencyKey: context.once?.key)
        ).outcomes
        for (place, outcome) in zip(places, written) {
            outcomes[place].result = outcome.result
            outcomes[place].version = outcome.version
        }
        return EdgeReply(WriteOutcomes(outcomes: outcomes))
    }

    private func titles(
        of items: [RatingItem], _ context: EdgeContext
    ) async throws(RPCError) -> [TitleID: Title] {
        var titles: [TitleID: Title] = [:]
        let asked = Array(Set(items.map(\.title)))
        for start in stride(from: 0, to: asked.count, by: Self.titlesMax) {
            let part = Array(asked[start..<min(start + Self.titlesMax, asked.count)])
            let found = try await metadata.getTitles(GetTitlesParams(titles: part), context.rpc.outgoing())
            for title in found.found { titles[title.asked] = title.title }
        }
        return titles
    }
}

extension RatingWrite {
    /// Nil for an item that says neither or several of rating, given and remove.
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
