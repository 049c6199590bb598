package import Contracts
package import RPC

/// Settings and syncs of a connected account. They pass on the person's time zone, so that an evening's play stays on
/// its day.
extension GatewayService {
    package func updateConnection(
        _ input: UpdateConnectionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ConnectionView> {
        EdgeReply(
            try await clients.scrobble.updateConnection(
                UpdateConnectionParams(
                    user: caller.user, provider: input.provider, enabled: input.body.enabled,
                    paused: input.body.paused, scrobbleThresholdPercent: input.body.scrobbleThresholdPercent,
                    facets: input.body.facets, timeZone: caller.timeZone),
                context.rpc.outgoing(idempotencyKey: context.once?.key)))
    }

    package func startSync(
        _ input: StartSyncInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SyncStart> {
        EdgeReply(
            try await clients.scrobble.startSync(
                StartSyncParams(
                    user: caller.user, provider: input.provider, dryRun: input.dryRun, confirms: input.confirms,
                    timeZone: caller.timeZone),
                context.rpc.outgoing(idempotencyKey: context.once?.key)))
    }
}
