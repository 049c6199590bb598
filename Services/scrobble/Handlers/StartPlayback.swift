import Contracts
import RPC
import Store

/// `scrobble.startPlayback`: opens a sitting, or goes on with the one that is open for this title.
struct StartPlayback: Sendable {
    let store: ScrobbleStore
    let titles: TitleLookup
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: StartPlaybackParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSession {
        let title = try await titles.title(params.title, context)
        guard let kind = PlayableKind(title.kind) else {
            throw .wrongKind("a \(title.kind.rawValue) cannot be played, only films and episodes can")
        }
        let now = clock.now
        let sitting = Sitting(
            id: PlaybackSessionID(ids.next()), user: params.user, title: title.id, kind: kind,
            progressPercent: params.progressPercent ?? 0, startedAt: now)
        do {
            return try await store.open(sitting, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
    }
}
