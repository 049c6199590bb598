import Contracts
import RPC

/// `setPlaybackSettings`: changes a person's playback settings. Preconditions are checked in one step with the change.
struct SetPlaybackSettings: Sendable {
    let scrobble: ScrobbleClient

    func run(
        _ input: SetPlaybackSettingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<PlaybackSettings> {
        let expected = try await context.expected { () throws(RPCError) in
            try await scrobble.getPlaybackSettings(
                GetPlaybackSettingsParams(user: caller.user), context.rpc.outgoing())
        }
        let params = SetPlaybackSettingsParams(
            user: caller.user, playThresholdPercent: input.body.playThresholdPercent, expected: expected)
        return EdgeReply(try await scrobble.setPlaybackSettings(params, context.rpc.outgoing()))
    }
}
