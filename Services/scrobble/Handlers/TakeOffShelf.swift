import Contracts
import RPC
import Store

/// `scrobble.takeOffShelf`: takes titles off a shelf; one outcome for each.
struct TakeOffShelf: Sendable {
    let shelves: ShelfStore
    let clock: any WallClock

    func run(_ params: TakeOffShelfParams, _ context: RPCContext) async throws(RPCError) -> LedgerOutcomes {
        let outcomes =
            switch params.shelf {
            case .watchlist: try await take(WatchlistDetails.self, params, context)
            case .collection: try await take(CollectionDetails.self, params, context)
            case .likes: try await take(LikeDetails.self, params, context)
            }
        return LedgerOutcomes(params.titles, outcomes)
    }

    private func take<Details: ShelvedDetails>(
        _ kind: Details.Type, _ params: TakeOffShelfParams, _ context: RPCContext
    ) async throws(RPCError) -> [LedgerOutcome] {
        let writer = LedgerWriter.person(params.user, at: clock.now)
        return try await asking { () throws(StoreError) in
            try await shelves.remove(params.titles, as: kind, at: writer.at, by: writer, until: context.deadline)
        }
    }
}
