import Contracts
import JSON
import RPC

/// `compareRatings`: how far the caller's ratings are from the scores of each external source.
struct CompareRatings: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    func run(
        _ input: CompareRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WorldComparison> {
        let list = ListRatings(metadata: metadata, ratings: ratings)
        var items: [(rating: DecimalTenths, scores: [ExternalRating])] = []
        var cursor: String?
        repeat {
            let page = try await list.page(
                ListRatingsParams(
                    user: caller.user, kind: input.kind, limit: RatingReadLimits.pageRows, cursor: cursor),
                context.rpc.outgoing())
            items += page.items.map { ($0.rating.rating, $0.externalRatings) }
            cursor = page.nextCursor
        } while cursor != nil && items.count < RatingReadLimits.comparedTitlesMax
        return EdgeReply(WorldComparison(items))
    }
}

/// Limits of operations that read many ratings for one response.
enum RatingReadLimits {
    /// The number of ratings per page.
    static let pageRows = 100
    /// The number of the caller's latest ratings that are compared with external scores.
    static let comparedTitlesMax = 1_000
    /// The longest time that a page of an export may take.
    static let pageTimeout = Duration.seconds(30)
}
