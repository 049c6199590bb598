import Contracts
import RPC

/// `getMovie`: a film with the scores of the world and mine, both asked at once.
struct GetMovie: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    func run(
        _ input: GetMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> {
        let call = context.rpc.outgoing()
        let (asked, rated) = await together(
            { () async throws(RPCError) in try await metadata.getTitle(GetTitleParams(title: input.title), call) },
            { () async throws(RPCError) in try await rating(of: input.title, by: caller.user, call) })
        let title = try asked.get()
        // A title that was merged into another is rated under the other's id.
        let mine = title.id == input.title ? try rated.get() : try await rating(of: title.id, by: caller.user, call)
        return EdgeReply(try Movie(title, rating: mine))
    }

    private func rating(of title: TitleID, by user: UserID, _ call: RPCCall) async throws(RPCError) -> Rating? {
        try await ratings.getRatings(GetRatingsParams(user: user, titles: [title]), call).ratings.first
    }
}
