import Contracts
import RPC

/// `listMovieScores` and the like: how the external scores of a title of one kind have changed.
struct ListTitleScores: Sendable {
    let metadata: MetadataClient
    let kind: TitleKind

    func run(
        _ title: TitleID, source: RatingSource?, limit: Int?, cursor: String?, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> {
        let params = GetRatingHistoryParams(title: title, kind: kind, source: source, limit: limit, cursor: cursor)
        return EdgeReply(try await metadata.getRatingHistory(params, context.rpc.outgoing()))
    }
}
