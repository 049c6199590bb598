import Contracts
import RPC

/// `getMovieRating` and the like: the caller's rating of a title of one kind.
struct GetTitleRating: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let kind: TitleKind

    func run(
        _ title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        let rating: Rating
        do throws(RPCError) {
            rating = try await self.rating(of: title, caller, context)
        } catch {
            guard RegistryError(code: error.code) == .ratingNotFound,
                let standing = await title.standing(in: metadata, context), !standing.moves.isEmpty
            else { throw error }
            await ratings.followSoon(standing.moves, context.rpc.outgoing())
            rating = try await self.rating(of: standing.title.id, caller, context)
        }
        guard rating.kind == kind else {
            throw .wrongKind("this is a \(rating.kind.rawValue), not a \(kind.rawValue)")
        }
        return EdgeReply(rating, headers: rating.tags)
    }

    private func rating(
        of title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> Rating {
        try await ratings.getRating(GetRatingParams(user: caller.user, title: title), context.rpc.outgoing())
    }
}
