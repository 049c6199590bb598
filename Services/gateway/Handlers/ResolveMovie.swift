import Contracts
import RPC

/// `resolveMovie`: the film that the request describes, with the caller's rating.
struct ResolveMovie: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    func run(
        _ input: ResolveMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> {
        let body = input.body
        let title = try await metadata.resolveTitle(
            ResolveTitleParams(kind: .movie, ids: body.ids, name: body.name, year: body.year), context.rpc.outgoing())
        await ratings.followSoon(title.moves, context.rpc.outgoing())
        let mine = try await ratings.getRatings(
            GetRatingsParams(user: caller.user, titles: [title.id]), context.rpc.outgoing())
        return EdgeReply(try Movie(title, rating: mine.ratings.first))
    }
}
