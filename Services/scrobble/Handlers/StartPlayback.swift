import Contracts
import RPC
import Store

/// `scrobble.startPlayback`: opens a sitting, or goes on with the one that is open for this title.
struct StartPlayback: Sendable {
    let store: PlaybackStore
    let titles: TitleLookup
    let queue: QueueWorker
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: StartPlaybackParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSession {
        let title = try await titles.title(params.title, context)
        guard let kind = PlayableKind(title.kind) else {
            throw .wrongKind("a \(title.kind.rawValue) cannot be played, only films and episodes can")
        }
        let now = clock.now
        let progress = params.progressPercent ?? 0
        let patience = SittingPatience.playing(
            progressPercent: progress, runtime: title.runtimeMinutes.map { .seconds(Int($0) * 60) })
        let sitting = Sitting(
            id: PlaybackSessionID(ids.next()), user: params.user, title: title.id, kind: kind,
            progressPercent: progress, startedAt: now, expiresAt: now.advanced(by: patience), player: nil,
            timeZone: params.timeZone ?? "UTC", runtimeMinutes: title.runtimeMinutes.map { Int($0) })
        do {
            let session = try await store.open(sitting, until: context.deadline)
            queue.announce()
            return session
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
    }
}
