import Contracts
import RPC
import Store

/// `scrobble.listRuns`: a person's sync runs, newest first.
struct ListRuns: Sendable {
    static let limitDefault = 20

    let store: SyncStore

    func run(_ params: ListRunsParams, _ context: RPCContext) async throws(RPCError) -> SyncRunPage {
        let limit = params.limit ?? Self.limitDefault
        let place = try HistoryCursor.start(params.cursor, "runs")
        let runs = try await asking { () throws(StoreError) in
            try await store.settleQueued(of: params.user, until: context.deadline)
            return try await store.runs(of: params.user, nil, after: place, limit: limit + 1, until: context.deadline)
        }
        let page = Array(runs.prefix(limit))
        return SyncRunPage(
            runs: page,
            nextCursor: runs.count > limit
                ? page.last.map { HistoryCursor(listedAt: $0.createdAt, id: PlayID($0.id.uuid)).text } : nil)
    }
}

extension HistoryCursor {
    /// The place where a page begins. Throws `invalidCursor` for a cursor that is not valid.
    static func start(_ cursor: String?, _ list: String) throws(RPCError) -> HistoryCursor {
        guard let cursor else { return .newest }
        guard let place = HistoryCursor(cursor) else {
            throw .invalidCursor("this cursor does not belong to the list of \(list)")
        }
        return place
    }
}
