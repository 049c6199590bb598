import Contracts
import RPC

/// `unrateMovie` and its like: takes my rating back; taking back none is no error.
struct UnrateTitle: Sendable {
    let ratings: RatingsClient
    let kind: TitleKind

    func run(
        _ title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let current = try await ratings.getRatings(
            GetRatingsParams(user: caller.user, titles: [title]), context.rpc.outgoing()
        ).ratings.first
        if let current, current.kind != kind {
            throw .wrongKind("this is a \(current.kind.rawValue), not a \(kind.rawValue)")
        }
        let expected = try await RatingPrecondition(ratings: ratings).expectedVersion(of: title, caller, context)
        _ = try await ratings.unrateTitle(
            UnrateTitleParams(user: caller.user, title: title, expectedVersion: expected),
            context.rpc.outgoing(idempotencyKey: context.once?.key))
        return .nothing()
    }
}
