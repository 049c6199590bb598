import Contracts
import RPC
import Store

/// `scrobble.stopPlayback`: closes a sitting; beyond the threshold it becomes a play. Stopping twice changes nothing.
struct StopPlayback: Sendable {
    let store: ScrobbleStore
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: StopPlaybackParams, _ context: RPCContext) async throws(RPCError) -> StopOutcome {
        let isPlay = WatchThreshold.standard.isPlay(progressPercent: params.progressPercent)
        let stop = ScrobbleStore.Stop(
            user: params.user, session: params.session, progressPercent: params.progressPercent, at: clock.now,
            play: isPlay ? PlayID(ids.next()) : nil)
        let outcome = try await asking { () throws(StoreError) in
            try await store.close(stop, until: context.deadline)
        }
        guard let outcome else { throw .sessionNotFound("there is no such playback session") }
        return outcome
    }
}
