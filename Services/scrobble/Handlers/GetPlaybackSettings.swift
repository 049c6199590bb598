import Contracts
import RPC
import Store

/// `scrobble.getPlaybackSettings`: what a person wants of playback, or what holds for everybody.
struct GetPlaybackSettings: Sendable {
    let store: PlaybackStore

    func run(_ params: GetPlaybackSettingsParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSettings {
        let threshold = try await asking { () throws(StoreError) in
            try await store.threshold(of: params.user, until: context.deadline)
        }
        return PlaybackSettings(playThresholdPercent: threshold.percent)
    }
}
