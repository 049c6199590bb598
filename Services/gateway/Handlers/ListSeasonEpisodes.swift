import Contracts
import RPC

/// `listSeasonEpisodes`: a page of the episodes of a season.
struct ListSeasonEpisodes: Sendable {
    let titles: TitleDesk

    func run(
        _ input: ListSeasonEpisodesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EpisodePage> {
        let page: (items: [Episode], nextAfter: Int?) = try await titles.children(
            of: input.title, a: Season.self, after: input.after, limit: input.limit, caller.user, context)
        return EdgeReply(EpisodePage(items: page.items, nextAfter: page.nextAfter))
    }
}
