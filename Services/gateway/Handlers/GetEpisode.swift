import Contracts
import RPC

/// `getEpisode`: an episode with its external scores and the caller's rating.
struct GetEpisode: Sendable {
    let titles: TitleDesk

    func run(
        _ input: GetEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> {
        EdgeReply(try await titles.get(input.title, caller.user, context))
    }
}
