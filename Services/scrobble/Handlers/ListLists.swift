import Contracts
import RPC
import Store

/// `scrobble.listLists`: a person's lists, newest first.
struct ListLists: Sendable {
    let lists: ListStore

    func run(_ params: ListListsParams, _ context: RPCContext) async throws(RPCError) -> TitleListPage {
        let limit = params.limit ?? LedgerLimits.pageRowsDefault
        let place = try ShelfCursor.reading(params.cursor)
        let rows = try await asking { () throws(StoreError) in
            try await lists.page(of: params.user, after: place, limit: limit + 1, until: context.deadline)
        }
        let page = rows.prefix(limit)
        let next = page.last.map { ShelfCursor(at: $0.createdAt, title: TitleID($0.id.uuid)).text }
        return TitleListPage(lists: page.map(\.contract), nextCursor: rows.count > limit ? next : nil)
    }
}
