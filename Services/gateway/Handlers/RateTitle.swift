import Contracts
import RPC
import RatingScales

/// `rateMovie` and its like: rates a title of one kind that exists, under the id that stands.
struct RateTitle: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let kind: TitleKind

    func run(
        _ title: TitleID, _ body: RateRequest, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        let rating = try RatingInput(body.rating, body.given).rating
        let title = try await title.known(as: kind, to: metadata, context)
        let expected = try await RatingPrecondition(ratings: ratings).expectedVersion(of: title.id, caller, context)
        let params = RateTitleParams(
            user: caller.user, title: title.id, kind: kind, rating: rating, review: body.review,
            spoiler: body.spoiler, ratedAt: body.ratedAt, given: body.given, play: body.play,
            expectedVersion: expected)
        let rated = try await ratings.rateTitle(params, context.rpc.outgoing(idempotencyKey: context.once?.key))
        return EdgeReply(rated, headers: rated.tags)
    }
}

/// `If-Match` on a rating, held in one step with the effect by the version that it means.
struct RatingPrecondition: Sendable {
    let ratings: RatingsClient

    /// The version that the rating must have, 0 for none; nil where the request does not care.
    func expectedVersion(
        of title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> Int? {
        guard let wanted = context.ifMatch else { return nil }
        let current = try await ratings.getRatings(
            GetRatingsParams(user: caller.user, titles: [title]), context.rpc.outgoing()
        ).ratings.first
        guard wanted.allowsWrite(of: current?.tag) else {
            throw .preconditionFailed("the rating is not the one that If-Match names")
        }
        return current?.version
    }
}

extension Rating {
    /// Every change of a rating has a version of its own, so the version tells one state from another.
    var tag: String? { version.map { "\"r\($0)\"" } }
    var tags: [(name: String, value: String)] { tag.map { [("etag", $0)] } ?? [] }
}

extension TitleID {
    /// The title that stands for this id. Throws `wrongKind` for one of another kind.
    func known(
        as kind: TitleKind, to metadata: MetadataClient, _ context: EdgeContext
    ) async throws(RPCError) -> Title {
        let title = try await metadata.getTitle(GetTitleParams(title: self), context.rpc.outgoing())
        guard title.kind == kind else { throw .wrongKind("this is a \(title.kind.rawValue), not a \(kind.rawValue)") }
        return title
    }
}
