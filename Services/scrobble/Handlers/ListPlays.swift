import Contracts
import RPC
import Store

/// `scrobble.listPlays`: every play with what was written beside it, oldest first.
struct ListPlays: Sendable {
    let store: ScrobbleStore

    func run(_ params: ListPlaysParams, _ context: RPCContext) async throws(RPCError) -> PlayRecords {
        var start = HistoryCursor.oldest
        if let cursor = params.cursor {
            guard let place = HistoryCursor(cursor) else {
                throw .invalidCursor("this cursor does not belong to the list")
            }
            start = place
        }
        let records = try await asking { () throws(StoreError) in
            try await store.records(
                of: params.user, after: start, limit: ListDiary.entriesMax + 1, until: context.deadline)
        }
        var (page, bytes): ([PlayRecord], Int) = ([], 0)
        for record in records.prefix(ListDiary.entriesMax) {
            bytes += (record.review?.utf8.count ?? 0) + (record.html?.utf8.count ?? 0)
            if !page.isEmpty, bytes > ListDiary.reviewBytesMax { break }
            page.append(record)
        }
        return PlayRecords(plays: page, isLast: page.count == records.count)
    }
}
