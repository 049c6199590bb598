import Contracts
import RPC

/// `unrateMovie` and its like: takes my rating back; taking back none is no error.
struct UnrateTitle: Sendable {
    let ratings: RatingsClient
    let kind: TitleKind

    func run(
        _ title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let call = context.rpc.outgoing()
        let current = try await ratings.getRatings(GetRatingsParams(user: caller.user, titles: [title]), call)
            .ratings.first
        if let ifMatch = context.ifMatch, !ifMatch.allowsWrite(of: current?.tag) {
            throw .preconditionFailed("the rating is not the one that If-Match names")
        }
        if let current, current.kind != kind {
            throw .wrongKind("this is a \(current.kind.rawValue), not a \(kind.rawValue)")
        }
        _ = try await ratings.unrateTitle(
            UnrateTitleParams(
                user: caller.user, title: title, expectedVersion: context.ifMatch == nil ? nil : current?.version),
            context.rpc.outgoing(idempotencyKey: context.once?.key))
        return .nothing()
    }
}
