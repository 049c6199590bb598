import Contracts
import RPC
import Store

/// `scrobble.listListItems`: a page of a list, in its order.
struct ListListItems: Sendable {
    let lists: ListStore

    func run(_ params: ListListItemsParams, _ context: RPCContext) async throws(RPCError) -> ListItemPage {
        let limit = params.limit ?? LedgerLimits.pageRowsDefault
        guard let place = ListPlace(params.cursor) else {
            throw .invalidCursor("this cursor does not belong to this list")
        }
        let rows = try await asking { () throws(StoreError) in
            guard try await lists.list(params.list, of: params.user, until: context.deadline) != nil else {
                return nil as [KnownItem<ListItemDetails>]?
            }
            return try await lists.items(
                of: params.list, params.user, after: (place.rank, place.title), limit: limit + 1,
                until: context.deadline)
        }
        guard let rows else { throw .noSuchList }
        let page = rows.prefix(limit).map { row in
            ListItem(
                title: row.item.title, kind: row.item.kind, rank: row.item.details.rank ?? 1,
                note: row.item.details.note, addedAt: row.item.at)
        }
        let next = page.last.map { ListPlace(rank: $0.rank, title: $0.title).text }
        return ListItemPage(items: page, nextCursor: rows.count > limit ? next : nil)
    }
}
