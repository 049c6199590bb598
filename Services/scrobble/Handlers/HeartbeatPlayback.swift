import Contracts
import RPC
import Store

/// `scrobble.heartbeatPlayback`: updates a player's position. Other accounts are not told.
struct HeartbeatPlayback: Sendable {
    let mover: SittingMover

    func run(_ params: HeartbeatPlaybackParams, _ context: RPCContext) async throws(RPCError) -> PlaybackSession {
        try await mover.move(
            params.session, of: params.user, to: nil, at: params.progressPercent, patience: SittingPatience.heartbeat,
            telling: nil, context)
    }
}

/// What the reports of a player have in common: each moves an open sitting, or fails.
struct SittingMover: Sendable {
    let store: PlaybackStore
    let queue: QueueWorker
    let clock: any WallClock

    /// `patience` is how long the sitting stays open without a further report. Throws `sessionEnded` and
    /// `sessionNotFound`.
    func move(
        _ session: PlaybackSessionID, of user: UserID, to state: PlaybackState?, at progressPercent: Double?,
        patience: Duration, telling step: PlaybackChange.Step?, _ context: RPCContext
    ) async throws(RPCError) -> PlaybackSession {
        let now = clock.now
        let move = PlaybackStore.Move(
            user: user, session: session, state: state, progressPercent: progressPercent, at: now,
            expiresAt: now.advanced(by: patience), pausedExpiresAt: now.advanced(by: SittingPatience.paused), step: step
        )
        let moved = try await asking { () throws(StoreError) in try await store.move(move, until: context.deadline) }
        if let moved {
            if step != nil { queue.announce() }
            return moved
        }
        let exists = try await asking { () throws(StoreError) in
            try await store.exists(session, of: user, until: context.deadline)
        }
        guard exists else { throw .sessionNotFound("there is no such playback session") }
        throw .sessionEnded("this playback session has ended")
    }
}
