import Contracts
import RPC
import Store

/// `scrobble.startPlayback`: opens a sitting, or continues the one that is open for this title. A check-in ends by
/// itself.
struct StartPlayback: Sendable {
    let store: PlaybackStore
    let titles: TitleLookup
    let queue: QueueWorker
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: StartPlaybackParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSession {
        let isCheckIn = params.checkIn ?? false
        // A check-in starts from the beginning of the title.
        guard !isCheckIn || params.progressPercent == nil else {
            throw .contradictoryValues("progress_percent: must not be given together with check_in")
        }
        let title = try await titles.title(params.title, context)
        guard let kind = PlayableKind(title.kind) else {
            throw .wrongKind("a \(title.kind.rawValue) cannot be played, only films and episodes can")
        }
        let now = clock.now
        let minutes = title.runtimeMinutes.map { Int($0) }
        let progress = params.progressPercent ?? 0
        let patience =
            isCheckIn
            ? CheckIn.length(runtimeMinutes: minutes, kind: kind)
            : SittingPatience.playing(progressPercent: progress, runtime: minutes.map { .seconds($0 * 60) })
        let sitting = Sitting(
            id: PlaybackSessionID(ids.next()), user: params.user, title: title.id, kind: kind,
            progressPercent: progress, startedAt: now, expiresAt: now.advanced(by: patience), player: nil,
            timeZone: params.timeZone ?? "UTC", runtimeMinutes: minutes, isCheckIn: isCheckIn)
        do {
            let session =
                isCheckIn
                ? try await store.checkIn(sitting, until: context.deadline)
                : try await store.open(sitting, until: context.deadline)
            queue.announce()
            return session
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
    }
}
