import Contracts
import RPC
import Store

/// `scrobble.resumePlayback`: a person goes on.
struct ResumePlayback: Sendable {
    let mover: SittingMover

    func run(_ params: ResumePlaybackParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSession {
        try await mover.move(
            params.session, of: params.user, to: .playing, at: params.progressPercent,
            patience: SittingPatience.playing(progressPercent: params.progressPercent ?? 0, runtime: nil),
            telling: .resumed, context)
    }
}
