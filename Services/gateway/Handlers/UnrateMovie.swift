import Contracts
import RPC

/// `unrateMovie`: takes my rating back; taking back none is no error.
struct UnrateMovie: Sendable {
    let ratings: RatingsClient

    func run(
        _ input: UnrateMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        _ = try await ratings.unrateTitle(
            UnrateTitleParams(user: caller.user, title: input.title), context.rpc.outgoing())
        return .nothing()
    }
}
