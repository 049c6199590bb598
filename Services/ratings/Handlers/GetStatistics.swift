import Contracts
import RPC
import Store

/// `ratings.getStatistics`: a person's ratings in figures.
struct GetStatistics: Sendable {
    let store: RatingsStore

    func run(_ params: GetStatisticsParams, _ context: RPCContext) async throws(RPCError) -> RatingStatistics {
        let (groups, reviewCount) = try await asking { () throws(StoreError) in
            try await store.statistics(of: params.user, until: context.deadline)
        }
        return RatingStatistics(groups, reviewCount: reviewCount)
    }
}
