import Contracts
import RPC
import Store

/// `scrobble.disconnect`: ends a connection. What it brought stays, and so do the settings.
struct Disconnect: Sendable {
    let store: ConnectionStore
    let account: TraktAccount?
    let simkl: SimklAccount?
    let clock: any WallClock

    func run(_ params: DisconnectParams, _ context: RPCContext) async throws(RPCError) -> Disconnection {
        try await asking { () throws(StoreError) in
            if params.provider == .trakt, let account {
                return Disconnection(disconnected: try await account.disconnect(params.user, until: context.deadline))
            }
            if params.provider == .simkl, let simkl {
                return Disconnection(disconnected: try await simkl.disconnect(params.user, until: context.deadline))
            }
            // The other side cannot be told if it is off here.
            let lane = LaneKey(user: params.user, provider: params.provider)
            let ended = try await store.disconnect(lane, at: clock.now, until: context.deadline)
            return Disconnection(disconnected: ended.wasConnected)
        }
    }
}
