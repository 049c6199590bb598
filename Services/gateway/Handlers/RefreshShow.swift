import Contracts
import RPC

/// `refreshShow`: asks the providers about a series now.
struct RefreshShow: Sendable {
    let titles: TitleDesk

    func run(
        _ input: RefreshShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> {
        EdgeReply(try await titles.refresh(input.title, caller.user, context))
    }
}
