import Contracts
import RPC

/// `getShow`: a series with its external scores and the caller's rating.
struct GetShow: Sendable {
    let titles: TitleDesk

    func run(
        _ input: GetShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> {
        EdgeReply(try await titles.get(input.title, caller.user, context))
    }
}
