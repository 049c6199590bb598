import Contracts
import RPC
import Store

/// `scrobble.listDiary`: the films that a person watched, in order, with what was written beside them.
struct ListDiary: Sendable {
    /// Entries on a page, and bytes of the reviews on it; a page with longer reviews ends earlier.
    static let entriesMax = 100
    static let reviewBytesMax = 500_000

    let store: ScrobbleStore

    func run(_ params: ListDiaryParams, _ context: RPCContext) async throws(RPCError) -> DiaryPage {
        var start = HistoryCursor.oldest
        if let cursor = params.cursor {
            guard let place = HistoryCursor(cursor) else {
                throw .invalidCursor("this cursor does not belong to the diary")
            }
            start = place
        }
        let entries = try await asking { () throws(StoreError) in
            try await store.diary(
                of: params.user, in: params.timeZone ?? "UTC", since: params.since, after: start,
                limit: Self.entriesMax + 1, until: context.deadline)
        }
        var (page, bytes): ([DiaryEntry], Int) = ([], 0)
        for entry in entries.prefix(Self.entriesMax) {
            bytes += entry.review?.utf8.count ?? 0
            if !page.isEmpty, bytes > Self.reviewBytesMax { break }
            page.append(entry)
        }
        return DiaryPage(entries: page, isLast: page.count == entries.count)
    }
}
