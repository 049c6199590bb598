import Contracts
import RPC

/// `resolveEpisode`: the episode that the request describes, with the caller's rating.
struct ResolveEpisode: Sendable {
    let titles: TitleDesk

    func run(
        _ input: ResolveEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> {
        let body = input.body
        let params = ResolveTitleParams(
            kind: .episode, ids: body.ids ?? ExternalIds(), series: body.series, seriesIds: body.seriesIds,
            seriesName: body.seriesName, seriesYear: body.seriesYear, seasonNumber: body.seasonNumber,
            episodeNumber: body.episodeNumber)
        return EdgeReply(try await titles.resolve(params, caller.user, context))
    }
}
