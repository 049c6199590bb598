import Contracts
import RPC

/// `listContinueWatching`: what the caller can continue, with external scores and the caller's ratings, in three calls.
struct ListContinueWatching: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: ListContinueWatchingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ContinueWatchingList> {
        let call = context.rpc.outgoing()
        let list = try await scrobble.listGoingOn(
            ListGoingOnParams(user: caller.user, timeZone: caller.timeZone, limit: input.limit), call)
        let ids = list.items.flatMap { [$0.title] + ($0.series.map { [$0] } ?? []) }
        let cards = try await TitleCards(of: ids, for: caller.user, metadata, ratings, call)
        let items = list.items.map { item in
            ContinueWatchingItem(
                title: cards.card(item.title, item.kind), externalRatings: cards.world(item.title),
                myRating: cards.myRating(item.title), series: item.series.map { cards.card($0, .series) },
                seasonNumber: cards[item.title]?.seasonNumber, episodeNumber: cards[item.title]?.episodeNumber,
                percent: item.percent, at: item.at)
        }
        return EdgeReply(ContinueWatchingList(items: items))
    }
}
