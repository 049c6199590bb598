import Contracts
import RPC
import Store

/// `scrobble.resolveConflict`: decides whose value stays, and requests a sync that applies the decision.
struct ResolveConflict: Sendable {
    let store: SyncStore
    let worker: SyncWorker?
    let clock: any WallClock

    func run(_ params: ResolveConflictParams, _ context: RPCContext) async throws(RPCError) -> JobChange {
        let changed = try await asking { () throws(StoreError) in
            let provider = try await store.resolve(
                params.conflict, of: params.user, keeping: params.keep, at: clock.now, until: context.deadline)
            guard let provider else { return false }
            // A run that is under way reads the decision or leaves it to the next run.
            _ = try await store.open(
                LaneKey(user: params.user, provider: provider), isDry: false, confirms: nil, at: clock.now,
                until: context.deadline)
            return true
        }
        if changed { worker?.bell.ring() }
        return JobChange(changed: changed)
    }
}
