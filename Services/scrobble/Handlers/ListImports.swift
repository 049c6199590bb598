import Contracts
import RPC
import Store

/// `scrobble.listImports`: a page of a person's imports, newest first.
struct ListImports: Sendable {
    static let limitDefault = 20

    let store: ImportStore

    func run(_ params: ListImportsParams, _ context: RPCContext) async throws(RPCError) -> ImportPage {
        let limit = params.limit ?? Self.limitDefault
        var start = ShelfCursor.newest
        if let cursor = params.cursor {
            guard let place = ShelfCursor(cursor) else {
                throw .invalidCursor("this cursor does not belong to the list of imports")
            }
            start = place
        }
        let found = try await asking { () throws(StoreError) in
            try await store.page(of: params.user, after: start, limit: limit + 1, until: context.deadline)
        }
        let page = found.prefix(limit)
        let next = page.last.map { ShelfCursor(at: $0.createdAt, title: TitleID($0.id.uuid)).text }
        return ImportPage(imports: Array(page), nextCursor: found.count > limit ? next : nil)
    }
}
