import Contracts
import RPC
import Store

/// `ratings.getRatings`: a person's ratings of several titles, in one query.
struct GetRatings: Sendable {
    let store: RatingsStore

    func run(_ params: GetRatingsParams, _ context: RPCContext) async throws(RPCError) -> FoundRatings {
        guard !params.titles.isEmpty else { return FoundRatings(ratings: []) }
        let ratings = try await asking { () throws(StoreError) in
            // One title is what most ask about, and calls about one are answered together.
            if params.titles.count == 1 {
                return try await store.rating(of: params.titles[0], by: params.user, until: context.deadline)
                    .map { [$0] } ?? []
            }
            return try await store.ratings(of: params.titles, by: params.user, until: context.deadline)
        }
        return FoundRatings(ratings: ratings)
    }
}
