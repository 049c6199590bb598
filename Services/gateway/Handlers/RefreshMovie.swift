import Contracts
import RPC

/// `refreshMovie`: asks the providers about a film now.
struct RefreshMovie: Sendable {
    let titles: TitleDesk

    func run(
        _ input: RefreshMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> {
        EdgeReply(try await titles.refresh(input.title, caller.user, context))
    }
}
