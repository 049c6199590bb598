import Contracts
import RPC
import Store

/// `ratings.listTimeline`: a page of the changes of a person's ratings, latest first.
struct ListTimeline: Sendable {
    let store: RatingsStore

    func run(_ params: ListTimelineParams, _ context: RPCContext) async throws(RPCError) -> RatingTimeline {
        let limit = params.limit ?? RatingsLimits.pageRowsDefault
        var before = Int.max
        if let cursor = params.cursor {
            guard let version = VersionCursor.version(cursor) else {
                throw .invalidCursor("this cursor does not belong to the timeline")
            }
            before = version
        }
        let found = try await asking { () throws(StoreError) in
            try await store.timeline(
                of: params.user, title: params.title, batch: params.batch, before: before, limit: limit + 1,
                until: context.deadline)
        }
        let count = PageCut.count(
            found.map { $0.review?.utf8.count ?? 0 }, limit: limit, bytesMax: RatingsLimits.pageReviewBytesMax)
        let page = found.prefix(count)
        return RatingTimeline(
            changes: Array(page),
            nextCursor: found.count > count ? page.last.map { VersionCursor.text($0.version) } : nil)
    }
}
