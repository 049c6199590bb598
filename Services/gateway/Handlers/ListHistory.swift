import Contracts
import RPC

/// `listHistory`: a page of the caller's plays, with titles, external scores and the caller's ratings, in three calls.
struct ListHistory: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: ListHistoryInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedPage> {
        let call = context.rpc.outgoing()
        let page = try await scrobble.listHistory(
            ListHistoryParams(
                user: caller.user, limit: input.limit, cursor: input.cursor, kind: input.kind, title: input.title,
                series: input.series, from: input.from, until: input.until, unknownDate: input.unknownDate), call)
        let cards = try await TitleCards(of: page.plays.map(\.title), for: caller.user, metadata, ratings, call)
        let items = page.plays.map { play in
            WatchedMovieItem(
                play: play, title: cards.card(play.title, play.kind), externalRatings: cards.world(play.title),
                myRating: cards.myRating(play.title))
        }
        return EdgeReply(WatchedPage(items: items, nextCursor: page.nextCursor))
    }
}
