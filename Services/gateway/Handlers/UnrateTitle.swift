import Contracts
import RPC

/// `unrateMovie` and the like: removes the caller's rating; removing none is no error.
struct UnrateTitle: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let kind: TitleKind

    func run(
        _ title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        async let standing = title.standing(in: metadata, context)
        var current = try await rating(of: title, caller, context)
        // Even if it is rated: a rating under another id of the title would reappear once it has moved.
        if let moves = await standing?.moves, !moves.isEmpty {
            try await ratings.follow(moves, context.rpc.outgoing())
            current = try await rating(of: title, caller, context)
        }
        if let current, current.kind != kind {
            throw .wrongKind("this is a \(current.kind.rawValue), not a \(kind.rawValue)")
        }
        let expected = try await RatingPrecondition(ratings: ratings).expectedVersion(of: title, caller, context)
        // Under the requested id, which ratings know by now, so that a repeated request is always the same one.
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
