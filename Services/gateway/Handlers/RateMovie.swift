import Contracts
import RPC

/// `rateMovie`: rates a film that exists, under the id that stands.
struct RateMovie: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    func run(
        _ input: RateMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        let title = try await metadata.getTitle(GetTitleParams(title: input.title), context.rpc.outgoing())
        guard title.kind == .movie else { throw .wrongKind("this is a \(title.kind.rawValue), not a film") }
        let body = input.body
        let params = RateTitleParams(
            user: caller.user, title: title.id, kind: title.kind, rating: body.rating, review: body.review,
            spoiler: body.spoiler, ratedAt: body.ratedAt)
        return EdgeReply(
            try await ratings.rateTitle(params, context.rpc.outgoing(idempotencyKey: input.idempotencyKey)))
    }
}
