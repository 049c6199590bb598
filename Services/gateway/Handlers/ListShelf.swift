import Contracts
import RPC

/// `listWatchlist` and the like: a page of a shelf, with external scores and the caller's ratings.
struct ListShelf: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient
    let shelf: Shelf

    func run(
        _ kind: TitleKind?, _ limit: Int?, _ cursor: String?, status: WishStatus? = nil, _ caller: EdgeCaller,
        _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ShelvedPage> {
        let call = context.rpc.outgoing()
        let page = try await scrobble.listShelf(
            ListShelfParams(user: caller.user, shelf: shelf, kind: kind, status: status, limit: limit, cursor: cursor),
            call)
        let cards = try await TitleCards(of: page.items.map(\.title), for: caller.user, metadata, ratings, call)
        let items = page.items.map { item in
            ShelvedTitle(
                title: cards.card(item.title, item.kind), externalRatings: cards.world(item.title),
                myRating: cards.myRating(item.title), addedAt: item.addedAt, note: item.note, status: item.status,
                media: item.media, source: item.source)
        }
        return EdgeReply(ShelvedPage(items: items, nextCursor: page.nextCursor))
    }
}
