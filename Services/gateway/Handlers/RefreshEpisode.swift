import Contracts
import RPC

/// `refreshEpisode`: asks the providers about an episode now.
struct RefreshEpisode: Sendable {
    let titles: TitleDesk

    func run(
        _ input: RefreshEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> {
        EdgeReply(try await titles.refresh(input.title, caller.user, context))
    }
}
