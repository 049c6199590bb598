import Contracts
import RPC

/// `getMovieRatings` and the like: the caller's rating of a title, those of all people here, and external scores.
struct GetTitleRatings: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let kind: TitleKind

    func run(
        _ id: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> {
        let title = try await id.known(as: kind, to: metadata, context)
        let call = context.rpc.outgoing()
        await ratings.followSoon(FoundTitle(asked: id, title: title).moves, call)
        let (mine, all) = await together(
            { () async throws(RPCError) in
                try await ratings.getRatings(GetRatingsParams(user: caller.user, titles: [title.id]), call)
            },
            { () async throws(RPCError) in
                try await ratings.getSummaries(GetSummariesParams(titles: [title.id]), call)
            })
        guard let summary = try all.get().summaries.first else {
            throw .internal("the ratings service returned no summary of the title")
        }
        return EdgeReply(
            TitleRatings(
                title: title.id, mine: try mine.get().ratings.first, people: summary,
                externalRatings: title.externalRatings, voteAverage: title.voteAverage, voteCount: title.voteCount))
    }
}
