import Contracts
import RPC
import Store

/// `scrobble.listImportRows`: the rows of an import, all or those of one verdict; ambiguous ones with their candidates.
struct ListImportRows: Sendable {
    static let limitDefault = 50

    let store: ImportStore
    let candidates: RowCandidates

    func run(_ params: ListImportRowsParams, _ context: RPCContext) async throws(RPCError) -> ImportRowPage {
        let limit = params.limit ?? Self.limitDefault
        var start = -1
        if let cursor = params.cursor {
            guard let place = PlaceCursor.place(cursor) else {
                throw .invalidCursor("this cursor does not belong to the rows of an import")
            }
            start = place
        }
        let (found, rows) = try await asking { () throws(StoreError) in
            (
                try await store.get(params.import, of: params.user, until: context.deadline),
                try await store.rows(
                    of: params.import, params.user, params.verdict, after: start, limit: limit + 1,
                    until: context.deadline)
            )
        }
        guard found != nil else { throw .importNotFound("there is no such import") }
        let page = await candidates.named(Array(rows.prefix(limit)), context)
        return ImportRowPage(
            rows: page, nextCursor: rows.count > limit ? page.last.map { PlaceCursor.text($0.place) } : nil)
    }
}
