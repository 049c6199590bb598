import Contracts
import RPC

/// `unrateMovie` and its like: takes my rating back; taking back none is no error.
struct UnrateTitle: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let kind: TitleKind

    func run(
        _ asked: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        var title = asked
        var current = try await rating(of: asked, caller, context)
        // Also where neither is rated: it may be a request that comes again, after its rating was taken back there.
        if current == nil, let standing = await asked.successor(in: metadata, context) {
            title = standing
            current = try await rating(of: standing, caller, context)
        }
        if let current, current.kind != kind {
            throw .wrongKind("this is a \(current.kind.rawValue), not a \(kind.rawValue)")
        }
        let expected = try await RatingPrecondition(ratings: ratings).expectedVersion(of: title, caller, context)
        _ = try await ratings.unrateTitle(
            UnrateTitleParams(user: caller.user, title: title, expectedVersion: expected),
            context.rpc.outgoing(idempotencyKey: context.once?.key))
        return .nothing()
    }

    private func rating(
        of title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> Rating? {
        try await ratings.getRatings(
            GetRatingsParams(user: caller.user, titles: [title]), context.rpc.outgoing()
        ).ratings.first
    }
}
