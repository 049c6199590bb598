import Contracts
import RPC
import Store

/// `scrobble.deleteList`: removes a list for good: no file and no other account brings it back.
struct DeleteList: Sendable {
    let lists: ListStore
    let clock: any WallClock

    func run(_ params: DeleteListParams, _ context: RPCContext) async throws(RPCError) -> LedgerRemoval {
        let removed = try await asking { () throws(StoreError) in
            try await lists.remove([params.list], by: .person(params.user, at: clock.now), until: context.deadline)
        }
        return LedgerRemoval(removed: !removed.isEmpty)
    }
}
