import Contracts
import RPC
import Store

/// `ratings.getRating`: a person's rating of one title.
struct GetRating: Sendable {
    let store: RatingsStore

    func run(_ params: GetRatingParams, _ context: RPCContext) async throws(RPCError) -> Rating {
        let found = try await asking { () throws(StoreError) in
            try await store.rating(of: params.title, by: params.user, until: context.deadline)
        }
        guard let found else { throw .ratingNotFound("this title is not rated") }
        return found
    }
}
