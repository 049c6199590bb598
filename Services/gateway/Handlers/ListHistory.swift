import Contracts
import RPC

/// `listHistory`: a page of my plays, each with its title, the world's scores and my rating: three calls for any page.
struct ListHistory: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: ListHistoryInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedPage> {
        let call = context.rpc.outgoing()
        let page = try await scrobble.listHistory(
            ListHistoryParams(user: caller.user, limit: input.limit, cursor: input.cursor), call)
        let ids = Array(Set(page.plays.map(\.title)))
        guard !ids.isEmpty else { return EdgeReply(WatchedPage(items: [], nextCursor: page.nextCursor)) }
        let (found, rated) = await together(
            { () async throws(RPCError) in try await metadata.getTitles(GetTitlesParams(titles: ids), call) },
            { () async throws(RPCError) in
                try await ratings.getRatings(GetRatingsParams(user: caller.user, titles: ids), call)
            })
        let titles = Dictionary(try found.get().found.map { ($0.asked, $0.title) }) { first, _ in first }
        let mine = Dictionary(try rated.get().ratings.map { ($0.title, $0) }) { first, _ in first }
        let items = page.plays.map { play in
            let title = titles[play.title]
            return WatchedMovieItem(
                play: play, title: title.map(TitleCard.init) ?? TitleCard(nothingKnownOf: play),
                externalRatings: title?.externalRatings ?? [],
                myRating: mine[play.title] ?? title.flatMap { mine[$0.id] })
        }
        return EdgeReply(WatchedPage(items: items, nextCursor: page.nextCursor))
    }
}
