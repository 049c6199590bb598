import Contracts
import RPC
import Store

/// `scrobble.moveListItems`: moves titles of a list before another of its titles, or to the end.
struct MoveListItems: Sendable {
    let lists: ListStore
    let clock: any WallClock

    func run(_ params: MoveListItemsParams, _ context: RPCContext) async throws(RPCError) -> TitleList {
        let list = try await asking { () throws(StoreError) in
            guard
                try await lists.move(
                    params.titles, before: params.before, on: params.list, of: params.user, at: clock.now,
                    until: context.deadline)
            else { return nil as StoredList? }
            return try await lists.list(params.list, of: params.user, until: context.deadline)
        }
        guard let list else { throw .noSuchList }
        return list.contract
    }
}
