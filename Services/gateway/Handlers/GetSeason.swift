import Contracts
import RPC

/// `getSeason`: a season with the scores of the world and mine.
struct GetSeason: Sendable {
    let titles: TitleDesk

    func run(
        _ input: GetSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> {
        EdgeReply(try await titles.get(input.title, caller.user, context))
    }
}
