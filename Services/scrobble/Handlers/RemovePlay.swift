import Contracts
import RPC
import Store

/// `scrobble.removePlay`: removes a play for good: no file and no other account brings it back.
struct RemovePlay: Sendable {
    let ledger: LedgerStore
    let queue: QueueWorker
    let clock: any WallClock

    func run(_ params: RemovePlayParams, _ context: RPCContext) async throws(RPCError) -> PlayRemoval {
        let removed = try await asking { () throws(StoreError) in
            try await ledger.remove(
                [params.play], by: .person(params.user, at: clock.now), telling: true, until: context.deadline)
        }
        if !removed.isEmpty { queue.announce() }
        return PlayRemoval(removed: !removed.isEmpty)
    }
}
