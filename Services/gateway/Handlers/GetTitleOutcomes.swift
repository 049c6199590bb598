import Contracts
import RPC

/// `getMovieOutcomes` and the like: the outcome of each provider for a title of one kind.
struct GetTitleOutcomes: Sendable {
    let metadata: MetadataClient
    let kind: TitleKind

    func run(_ title: TitleID, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<TitleOutcomes> {
        EdgeReply(try await metadata.getOutcomes(GetOutcomesParams(title: title, kind: kind), context.rpc.outgoing()))
    }
}
