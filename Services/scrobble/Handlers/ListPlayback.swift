import Contracts
import RPC
import Store

/// `scrobble.listPlayback`: what a person is watching now, most recently updated first.
struct ListPlayback: Sendable {
    /// The sittings listed in an answer.
    static let sessionsMax = 50

    let store: PlaybackStore
    let clock: any WallClock

    func run(_ params: ListPlaybackParams, _ context: RPCContext) async throws(RPCError) -> NowPlaying {
        let sessions = try await asking { () throws(StoreError) in
            try await store.now(
                of: params.user, at: clock.now, limit: Self.sessionsMax, until: context.deadline)
        }
        return NowPlaying(sessions: sessions)
    }
}
