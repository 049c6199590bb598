import Contracts
import RPC
import Store

/// `scrobble.putListItems`: puts titles on a list; one outcome for each.
struct PutListItems: Sendable {
    let lists: ListStore
    let clock: any WallClock

    func run(_ params: PutListItemsParams, _ context: RPCContext) async throws(RPCError) -> LedgerOutcomes {
        let now = clock.now
        let items = params.items.map {
            ShelfItem(
                title: $0.title, kind: $0.kind, at: min($0.addedAt ?? now, now),
                details: ListItemDetails(note: $0.note))
        }
        let answer = try await asking { () throws(StoreError) in
            try await lists.put(items, on: params.list, by: .person(params.user, at: now), until: context.deadline)
        }
        return try answer.outcomes(of: params.items.map(\.title))
    }
}

extension ListStore.ItemsAnswer {
    /// Throws `listNotFound` and `tooMany`.
    func outcomes(of titles: [TitleID]) throws(RPCError) -> LedgerOutcomes {
        switch self {
        case .done(let outcomes): return LedgerOutcomes(titles, outcomes)
        case .noSuchList: throw .noSuchList
        case .tooMany: throw .tooMany("a list may have at most \(LedgerLimits.listItemsMax) titles")
        }
    }
}
