import Contracts
import RPC

/// `getMovieRating` and its like: my rating of a title of one kind.
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
                let standing = await title.successor(in: metadata, context)
            else { throw error }
            rating = try await self.rating(of: standing, caller, context)
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

extension TitleID {
    /// The title into which this one was merged; nil for one that stands, and where metadata does not tell. Ratings hear of
    /// merges somewhat later than metadata, by whose word titles are rated: until then a rating that was given under this id
    /// may stand under the other one.
    func successor(in metadata: MetadataClient, _ context: EdgeContext) async -> TitleID? {
        let title = try? await metadata.getTitle(GetTitleParams(title: self), context.rpc.outgoing())
        return title.flatMap { $0.id == self ? nil : $0.id }
    }
}
