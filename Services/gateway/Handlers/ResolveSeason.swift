import Contracts
import RPC

/// `resolveSeason`: the season that the request describes, with the caller's rating.
struct ResolveSeason: Sendable {
    let titles: TitleDesk

    func run(
        _ input: ResolveSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> {
        let body = input.body
        let params = ResolveTitleParams(
            kind: .season, ids: body.ids ?? ExternalIds(), series: body.series, seriesIds: body.seriesIds,
            seriesName: body.seriesName, seriesYear: body.seriesYear, seasonNumber: body.seasonNumber)
        return EdgeReply(try await titles.resolve(params, caller.user, context))
    }
}
