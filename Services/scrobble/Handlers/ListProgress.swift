import Contracts
import RPC
import Store

/// `scrobble.listProgress`: what was not watched to its end, newest first.
struct ListProgress: Sendable {
    static let pageRows = 100

    let shelves: ShelfStore

    func run(_ params: ListProgressParams, _ context: RPCContext) async throws(RPCError) -> ProgressPage {
        let place = try ShelfCursor.reading(params.cursor)
        let limit = Self.pageRows
        let rows = try await asking { () throws(StoreError) in
            try await shelves.page(
                of: params.user, as: ProgressDetails.self, after: place, kinds: nil, limit: limit + 1,
                until: context.deadline)
        }
        let page = rows.prefix(limit)
        let next = page.last.map { ShelfCursor(at: $0.item.at, title: $0.item.title).text }
        return ProgressPage(
            items: page.map {
                KeptProgress(
                    title: $0.item.title, kind: $0.item.kind, percent: $0.item.details.percent, at: $0.item.at)
            }, nextCursor: rows.count > limit ? next : nil)
    }
}
