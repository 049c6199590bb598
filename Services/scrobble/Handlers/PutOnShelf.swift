import Contracts
import RPC
import Store

/// `scrobble.putOnShelf`: puts titles on a shelf; one outcome for each.
struct PutOnShelf: Sendable {
    let shelves: ShelfStore
    let clock: any WallClock

    func run(_ params: PutOnShelfParams, _ context: RPCContext) async throws(RPCError) -> LedgerOutcomes {
        let now = clock.now
        let latest = now.advanced(by: PlayDates.aheadMax)
        for entry in params.items {
            if let at = entry.addedAt, at > latest { throw .dateInFuture("added_at: \(at) is in the future") }
        }
        let writer = LedgerWriter.person(params.user, at: now)
        let outcomes =
            switch params.shelf {
            case .watchlist:
                try await put(params, writer, context) {
                    WatchlistDetails(note: $0.note, status: $0.status ?? .planToWatch)
                }
            case .collection: try await put(params, writer, context) { CollectionDetails($0.media) }
            case .likes: try await put(params, writer, context) { _ in LikeDetails() }
            }
        return LedgerOutcomes(params.items.map(\.title), outcomes)
    }

    private func put<Details: ShelvedDetails>(
        _ params: PutOnShelfParams, _ writer: LedgerWriter, _ context: RPCContext, _ details: (ShelfEntry) -> Details
    ) async throws(RPCError) -> [LedgerOutcome] {
        let items = params.items.map {
            ShelfItem(title: $0.title, kind: $0.kind, at: $0.addedAt ?? writer.at, details: details($0))
        }
        return try await writing { () throws(StoreError) in
            try await shelves.put(items, by: writer, until: context.deadline)
        }
    }
}

extension LedgerOutcomes {
    init(_ titles: [TitleID], _ outcomes: [LedgerOutcome]) {
        self.init(
            outcomes: zip(titles, outcomes).map { LedgerOutcomeOfTitle(title: $0, result: $1.contract) })
    }
}

extension LedgerOutcome {
    var contract: LedgerResult {
        switch self {
        case .created: .created
        case .updated: .updated
        case .same: .same
        case .older: .older
        case .removedByYou: .removedByYou
        case .removed: .removed
        case .absent: .absent
        case .repeated: .repeated
        }
    }
}
