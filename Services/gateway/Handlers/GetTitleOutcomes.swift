import Contracts
import RPC

/// `getMovieOutcomes` and its like: what each provider came to about a title of one kind.
struct GetTitleOutcomes: Sendable {
    let metadata: MetadataClient
    let kind: TitleKind

    func run(_ title: TitleID, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<TitleOutcomes> {
        EdgeReply(try await metadata.getOutcomes(GetOutcomesParams(title: title, kind: kind), context.rpc.outgoing()))
    }
}
