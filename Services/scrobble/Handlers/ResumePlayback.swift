import Contracts
import RPC
import Store

/// `scrobble.resumePlayback`: resumes a sitting.
struct ResumePlayback: Sendable {
    let mover: SittingMover

    func run(_ params: ResumePlaybackParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSession {
        let extent = try await asking { () throws(StoreError) in
            try await mover.store.extent(of: params.session, params.user, until: context.deadline)
        }
        let patience = SittingPatience.playing(
            progressPercent: params.progressPercent ?? extent?.progressPercent ?? 0,
            runtime: extent?.runtimeMinutes.map { Duration.seconds($0 * 60) })
        return try await mover.move(
            params.session, of: params.user, to: .playing, at: params.progressPercent, patience: patience,
            telling: .resumed, context)
    }
}
