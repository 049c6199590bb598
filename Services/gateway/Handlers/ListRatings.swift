import Contracts
import RPC

/// `listRatings`: a page of the caller's ratings, each with its title and external scores, in two calls.
struct ListRatings: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    func run(
        _ input: ListRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatedPage> {
        EdgeReply(
            try await page(
                ListRatingsParams(
                    user: caller.user, kind: input.kind, minRating: input.minRating, maxRating: input.maxRating,
                    from: input.from, until: input.until, hasReview: input.hasReview, review: input.review,
                    sort: input.sort, limit: input.limit, cursor: input.cursor), context.rpc.outgoing()))
    }

    /// Returns a page of ratings with their titles.
    func page(_ params: ListRatingsParams, _ call: RPCCall) async throws(RPCError) -> RatedPage {
        let page = try await ratings.listRatings(params, call)
        guard !page.ratings.isEmpty else { return RatedPage(items: []) }
        let found = try await metadata.getTitles(GetTitlesParams(titles: page.ratings.map(\.title)), call)
        let titles = Dictionary(found.found.map { ($0.asked, $0.title) }) { first, _ in first }
        let items = page.ratings.map { rating in
            let title = titles[rating.title]
            return RatedItem(
                title: title.map(TitleCard.init) ?? TitleCard(nothingKnownOf: rating),
                externalIds: title?.externalIds ?? ExternalIds(), externalRatings: title?.externalRatings ?? [],
                rating: rating)
        }
        return RatedPage(items: items, nextCursor: page.nextCursor)
    }
}

extension TitleCard {
    /// A stand-in for a title that is no longer known, so that its rating can still be shown.
    init(nothingKnownOf rating: Rating) {
        self.init(id: rating.title, kind: rating.kind, name: "Unknown title")
    }
}
