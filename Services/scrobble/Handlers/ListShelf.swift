import Contracts
import RPC
import Store

/// `scrobble.listShelf`: a page of what a person keeps, newest first.
struct ListShelf: Sendable {
    let shelves: ShelfStore

    func run(_ params: ListShelfParams, _ context: RPCContext) async throws(RPCError) -> ShelfPage {
        switch params.shelf {
        case .watchlist:
            try await page(params) { (place, kinds, limit) throws(StoreError) in
                try await shelves.wishes(
                    of: params.user, params.status ?? .planToWatch, since: params.since, after: place, kinds: kinds,
                    limit: limit, until: context.deadline)
            } keeping: { item, details in
                item.note = details.note
                item.status = details.status
            }
        case .collection:
            try await page(params) { (place, kinds, limit) throws(StoreError) in
                try await shelves.page(
                    of: params.user, as: CollectionDetails.self, after: place, kinds: kinds, limit: limit,
                    until: context.deadline)
            } keeping: { item, details in
                item.media = details.contract
            }
        case .likes:
            try await page(params) { (place, kinds, limit) throws(StoreError) in
                try await shelves.page(
                    of: params.user, as: LikeDetails.self, after: place, kinds: kinds, limit: limit,
                    until: context.deadline)
            } keeping: { _, _ in
            }
        }
    }

    private func page<Details: ShelvedDetails>(
        _ params: ListShelfParams,
        _ read: (ShelfCursor, [TitleKind]?, Int) async throws(StoreError) -> [KnownItem<Details>],
        keeping: (inout KeptTitle, Details) -> Void
    ) async throws(RPCError) -> ShelfPage {
        let limit = params.limit ?? LedgerLimits.pageRowsDefault
        let place = try ShelfCursor.reading(params.cursor)
        // One row more than requested, to see whether there is a next page.
        let rows = try await asking { () throws(StoreError) in
            try await read(place, params.kind.map { [$0] }, limit + 1)
        }
        let page = rows.prefix(limit)
        let items = page.map { row in
            var item = KeptTitle(
                title: row.item.title, kind: row.item.kind, addedAt: row.item.at, source: row.source)
            keeping(&item, row.item.details)
            return item
        }
        let next = page.last.map { ShelfCursor(at: $0.item.at, title: $0.item.title).text }
        return ShelfPage(items: items, nextCursor: rows.count > limit ? next : nil)
    }
}

extension ShelfCursor {
    /// The place that a cursor names, or the beginning if there is no cursor. Throws `invalidCursor`.
    static func reading(_ text: String?) throws(RPCError) -> ShelfCursor {
        guard let text else { return .newest }
        guard let place = ShelfCursor(text) else { throw .invalidCursor("this cursor does not belong to this list") }
        return place
    }
}

extension CollectionDetails {
    var contract: MediaDetails? {
        let media = MediaDetails(
            mediaType: mediaType, resolution: resolution, hdr: hdr, audio: audio, audioChannels: audioChannels,
            is3d: is3D)
        return media == MediaDetails() ? nil : media
    }

    init(_ media: MediaDetails?) {
        self.init(
            mediaType: media?.mediaType, resolution: media?.resolution, hdr: media?.hdr, audio: media?.audio,
            audioChannels: media?.audioChannels, is3D: media?.is3d)
    }
}
