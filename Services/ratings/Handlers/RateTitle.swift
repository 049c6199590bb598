import Contracts
import RPC
import Store

/// `ratings.rateTitle`: stores a rating, new or changed.
struct RateTitle: Sendable {
    let store: RatingsStore
    let clock: any WallClock

    func run(_ params: RateTitleParams, _ context: RPCContext) async throws(RPCError) -> Rating {
        let now = clock.now
        guard let ratedAt = RatedAt.accepted(params.ratedAt, now: now) else {
            throw .dateInFuture("rated_at lies more than five minutes ahead")
        }
        let rating = Rating(
            title: params.title, kind: params.kind, rating: params.rating, review: params.review,
            spoiler: params.spoiler ?? false, ratedAt: ratedAt, updatedAt: now)
        try await asking { () throws(StoreError) in
            try await store.upsert(rating, of: params.user, until: context.deadline)
        }
        return rating
    }
}
