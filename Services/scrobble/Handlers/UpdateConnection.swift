import Contracts
import RPC
import Store

/// `scrobble.updateConnection`: changes the settings for an account elsewhere, connected or not.
struct UpdateConnection: Sendable {
    let connections: ListConnections
    let queue: QueueWorker
    let clock: any WallClock

    func run(_ params: UpdateConnectionParams, _ context: RPCContext) async throws(RPCError) -> ConnectionView {
        let lane = LaneKey(user: params.user, provider: params.provider)
        let policies = (params.facets ?? []).map {
            ($0.facet, FacetPolicy(direction: $0.direction, conflicts: $0.conflicts, deletes: $0.deletes))
        }
        let change = ConnectionStore.Change(
            isEnabled: params.enabled, isPaused: params.paused, thresholdPercent: params.scrobbleThresholdPercent,
            policies: Dictionary(policies) { _, last in last }, timeZone: params.timeZone)
        do throws(StoreError) {
            try await connections.store.change(lane, change, at: clock.now, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
        if params.paused == false { queue.announce() }
        return try await connections.view(of: params.user, params.provider, context)
    }
}
