import Contracts
import RPC
import Store

/// `scrobble.listHistory`: a page of a person's plays, newest first.
struct ListHistory: Sendable {
    static let limitDefault = 50

    let store: ScrobbleStore

    func run(_ params: ListHistoryParams, _ context: RPCContext) async throws(RPCError) -> HistoryPage {
        let limit = params.limit ?? Self.limitDefault
        var start = HistoryCursor.newest
        if let cursor = params.cursor {
            guard let place = HistoryCursor(cursor) else {
                throw .invalidCursor("this cursor does not belong to the history")
            }
            start = place
        }
        // One row more than requested, to see whether there is a next page.
        let listed = try await asking { () throws(StoreError) in
            try await store.plays(
                of: params.user, HistoryFilter(params), after: start, limit: limit + 1, until: context.deadline)
        }
        let page = listed.prefix(limit)
        return HistoryPage(
            plays: page.map(\.play), nextCursor: listed.count > limit ? page.last.map { $0.place.text } : nil)
    }
}

extension HistoryFilter {
    init(_ params: ListHistoryParams) {
        self.init(
            kind: params.kind, title: params.title, series: params.series, from: params.from, until: params.until,
            unknownDate: params.unknownDate)
    }
}
