import Contracts
import RPC
import Store

/// `scrobble.stopPlayback`: ends a sitting, which becomes a play at or beyond the threshold. Stopping twice changes
/// nothing.
struct StopPlayback: Sendable {
    let store: PlaybackStore
    let queue: QueueWorker
    let clock: any WallClock

    func run(_ params: StopPlaybackParams, _ context: RPCContext) async throws(RPCError) -> StopOutcome {
        let stop = PlaybackStore.Stop(
            user: params.user, session: params.session, progressPercent: params.progressPercent, at: clock.now)
        let outcome = try await asking { () throws(StoreError) in
            try await store.close(stop, until: context.deadline)
        }
        guard let outcome else { throw .sessionNotFound("there is no such playback session") }
        queue.announce()
        return outcome
    }
}
