import Contracts
import RPC

/// `getEpisode`: an episode with the scores of the world and mine.
struct GetEpisode: Sendable {
    let titles: TitleDesk

    func run(
        _ input: GetEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> {
        EdgeReply(try await titles.get(input.title, caller.user, context))
    }
}
