import Contracts
import RPC
import Store

/// `ratings.listChanges`: the changes of a person's ratings after a version, without a gap.
struct ListChanges: Sendable {
    let store: RatingsStore

    func run(_ params: ListChangesParams, _ context: RPCContext) async throws(RPCError) -> RatingFeed {
        let limit = params.limit ?? RatingsLimits.feedRowsDefault
        let (found, version) = try await asking { () throws(StoreError) in
            try await store.changes(of: params.user, after: params.after, limit: limit, until: context.deadline)
        }
        let count = PageCut.count(
            found.map { $0.review?.utf8.count ?? 0 }, limit: limit, bytesMax: RatingsLimits.pageReviewBytesMax)
        return RatingFeed(changes: Array(found.prefix(count)), version: version)
    }
}
