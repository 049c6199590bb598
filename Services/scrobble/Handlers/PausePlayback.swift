import Contracts
import RPC
import Store

/// `scrobble.pausePlayback`: pauses a sitting.
struct PausePlayback: Sendable {
    let mover: SittingMover

    func run(_ params: PausePlaybackParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSession {
        try await mover.move(
            params.session, of: params.user, to: .paused, at: params.progressPercent, patience: SittingPatience.paused,
            telling: .paused, context)
    }
}
