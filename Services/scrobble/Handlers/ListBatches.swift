import Contracts
import RPC
import Store

/// `scrobble.listBatches`: a page of a person's batches, newest first.
struct ListBatches: Sendable {
    let batches: BatchStore

    func run(_ params: ListBatchesParams, _ context: RPCContext) async throws(RPCError) -> BatchPage {
        let limit = params.limit ?? LedgerLimits.pageRowsDefault
        let place = try ShelfCursor.reading(params.cursor)
        let rows = try await asking { () throws(StoreError) in
            try await batches.page(of: params.user, after: place, limit: limit + 1, until: context.deadline)
        }
        let page = rows.prefix(limit)
        let next = page.last.map { ShelfCursor(at: $0.createdAt, title: TitleID($0.id.uuid)).text }
        return BatchPage(batches: page.map(\.contract), nextCursor: rows.count > limit ? next : nil)
    }
}

extension StoredBatch {
    var contract: Batch {
        let counts = counts.counts.sorted { $0.key < $1.key }.flatMap { facet, outcomes in
            outcomes.sorted { $0.key < $1.key }.map { outcome, count in
                BatchCount(facet: facet, outcome: outcome, count: count)
            }
        }
        return Batch(
            id: id, source: source, label: label, state: state, counts: counts, createdAt: createdAt,
            appliedAt: appliedAt, undoneAt: undoneAt)
    }
}
