import Contracts
import RPC

/// `getSeason`: a season with its external scores and the caller's rating.
struct GetSeason: Sendable {
    let titles: TitleDesk

    func run(
        _ input: GetSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> {
        EdgeReply(try await titles.get(input.title, caller.user, context))
    }
}
