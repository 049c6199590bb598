import Contracts
import RPC
import Store

/// `scrobble.setPlaybackSettings`: changes the settings for sittings that begin from now on.
struct SetPlaybackSettings: Sendable {
    let store: PlaybackStore

    func run(_ params: SetPlaybackSettingsParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSettings {
        let threshold = WatchThreshold(percent: params.playThresholdPercent)
        let expected = params.expected.map { WatchThreshold(percent: $0.playThresholdPercent) }
        let isSet: Bool
        do {
            isSet = try await store.setThreshold(
                threshold, of: params.user, where: expected, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
        guard isSet else { throw .preconditionFailed("the settings are not in the expected state") }
        return PlaybackSettings(playThresholdPercent: threshold.percent)
    }
}
