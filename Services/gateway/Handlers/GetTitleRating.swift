import Contracts
import RPC

/// `getMovieRating` and its like: my rating of a title of one kind.
struct GetTitleRating: Sendable {
    let ratings: RatingsClient
    let kind: TitleKind

    func run(
        _ title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        let rating = try await ratings.getRating(
            GetRatingParams(user: caller.user, title: title), context.rpc.outgoing())
        guard rating.kind == kind else {
            throw .wrongKind("this is a \(rating.kind.rawValue), not a \(kind.rawValue)")
        }
        return EdgeReply(rating, headers: rating.tags)
    }
}
