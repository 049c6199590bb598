import Contracts
import RPC
import Store

/// `ratings.listRatings`: a page of a person's ratings.
struct ListRatings: Sendable {
    let store: RatingsStore

    func run(_ params: ListRatingsParams, _ context: RPCContext) async throws(RPCError) -> RatingsPage {
        let wish = RatingWish(params)
        let limit = params.limit ?? RatingsLimits.pageRowsDefault
        var start = RatingPlace.start(of: wish.sort)
        if let cursor = params.cursor {
            guard let place = RatingPlace(cursor), place.sort == wish.sort else {
                throw .invalidCursor("this cursor does not belong to this list")
            }
            start = place
        }
        // One row more than requested tells whether there is a next page.
        var found = try await asking { () throws(StoreError) in
            try await store.ratings(of: params.user, wish, after: start, limit: limit + 1, until: context.deadline)
        }
        let count = PageCut.count(
            found.lazy.map { $0.review?.utf8.count ?? 0 }, limit: limit, bytesMax: RatingsLimits.pageReviewBytesMax)
        let isLast = found.count == count
        found.removeSubrange(count...)
        return RatingsPage(
            ratings: found, nextCursor: isLast ? nil : found.last.map { RatingPlace($0, in: wish.sort).text })
    }
}
