import Contracts
import RPC
import Store

/// `scrobble.listJobs`: the waiting jobs for other accounts, or the outcomes of past ones; newest first.
struct ListJobs: Sendable {
    static let limitDefault = 50

    let store: QueueStore

    func run(_ params: ListJobsParams, _ context: RPCContext) async throws(RPCError) -> JobPage {
        let limit = params.limit ?? Self.limitDefault
        var start = HistoryCursor.newest
        if let cursor = params.cursor {
            guard let place = HistoryCursor(cursor) else {
                throw .invalidCursor("this cursor does not belong to the queue")
            }
            start = place
        }
        // One row more than requested, to see whether there is a next page.
        let listed = try await asking { () throws(StoreError) in
            try await store.jobs(
                of: params.user, params.list ?? .waiting, after: start, limit: limit + 1, until: context.deadline)
        }
        let page = listed.prefix(limit)
        return JobPage(
            jobs: page.map(\.job), nextCursor: listed.count > limit ? page.last.map { $0.place.text } : nil)
    }
}
