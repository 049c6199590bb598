import Contracts
import JSON
import RPC

/// `compareRatings`: how far my ratings are from each outside source's scores.
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

/// The bounds of what reads many ratings for one answer.
enum RatingReadLimits {
    /// Ratings of one page.
    static let pageRows = 100
    /// My latest ratings that are compared with the world.
    static let comparedTitlesMax = 1_000
    /// How long a page of an export may take.
    static let pageTimeout = Duration.seconds(30)
}
