import Contracts
import RPC

/// `refreshSeason`: asks the providers about a season now.
struct RefreshSeason: Sendable {
    let titles: TitleDesk

    func run(
        _ input: RefreshSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> {
        EdgeReply(try await titles.refresh(input.title, caller.user, context))
    }
}
