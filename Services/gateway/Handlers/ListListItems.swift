import Contracts
import RPC

/// `listListItems`: a page of one of the caller's lists, with external scores and the caller's ratings.
struct ListListItems: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: ListListItemsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ListedPage> {
        let call = context.rpc.outgoing()
        let page = try await scrobble.listListItems(
            ListListItemsParams(user: caller.user, list: input.list, limit: input.limit, cursor: input.cursor), call)
        let cards = try await TitleCards(of: page.items.map(\.title), for: caller.user, metadata, ratings, call)
        let items = page.items.map { item in
            ListedTitle(
                title: cards.card(item.title, item.kind), externalRatings: cards.world(item.title),
                myRating: cards.myRating(item.title), rank: item.rank, note: item.note, addedAt: item.addedAt)
        }
        return EdgeReply(ListedPage(items: items, nextCursor: page.nextCursor))
    }
}
