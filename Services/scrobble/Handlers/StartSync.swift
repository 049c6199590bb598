import Contracts
import RPC
import Store

/// `scrobble.startSync`: requests a run, which any worker may take up.
struct StartSync: Sendable {
    let store: SyncStore
    let worker: SyncWorker?
    let clock: any WallClock

    func run(_ params: StartSyncParams, _ context: RPCContext) async throws(RPCError) -> SyncStart {
        guard let worker, worker.providers.contains(params.provider) else {
            throw params.provider == .trakt ? .traktIsOff : .simklIsOff
        }
        let run: BatchID?
        do throws(StoreError) {
            run = try await store.open(
                LaneKey(user: params.user, provider: params.provider), isDry: params.dryRun ?? false,
                confirms: params.confirms, in: params.timeZone, at: clock.now, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
        worker.bell.ring()
        return SyncStart(run: run, isNew: run != nil)
    }
}
