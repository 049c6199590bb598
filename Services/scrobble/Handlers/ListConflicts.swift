import Contracts
import RPC
import Store

/// `scrobble.listConflicts`: what both sides changed, newest first.
struct ListConflicts: Sendable {
    static let limitDefault = 50

    let store: SyncStore

    func run(_ params: ListConflictsParams, _ context: RPCContext) async throws(RPCError) -> SyncConflictPage {
        let limit = params.limit ?? Self.limitDefault
        let place = try HistoryCursor.start(params.cursor, "conflicts")
        let found = try await asking { () throws(StoreError) in
            try await store.clashes(
                of: params.user, isOpen: params.open ?? false, after: place, limit: limit + 1, until: context.deadline)
        }
        let page = Array(found.prefix(limit))
        return SyncConflictPage(
            conflicts: page,
            nextCursor: found.count > limit
                ? page.last.map { HistoryCursor(listedAt: $0.createdAt, id: PlayID($0.id.uuid)).text } : nil)
    }
}
