import Contracts
import RPC
import Store

/// `scrobble.getPlaybackSettings`: a person's playback settings, or the defaults.
struct GetPlaybackSettings: Sendable {
    let store: PlaybackStore

    func run(_ params: GetPlaybackSettingsParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSettings {
        let threshold = try await asking { () throws(StoreError) in
            try await store.threshold(of: params.user, until: context.deadline)
        }
        return PlaybackSettings(playThresholdPercent: threshold.percent)
    }
}
