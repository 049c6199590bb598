import Contracts
import RPC

/// `listShowSeasons`: a page of the seasons of a series.
struct ListShowSeasons: Sendable {
    let titles: TitleDesk

    func run(
        _ input: ListShowSeasonsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SeasonPage> {
        let page: (items: [Season], nextAfter: Int?) = try await titles.children(
            of: input.title, a: TVSeries.self, after: input.after, limit: input.limit, caller.user, context)
        return EdgeReply(SeasonPage(items: page.items, nextAfter: page.nextAfter))
    }
}
