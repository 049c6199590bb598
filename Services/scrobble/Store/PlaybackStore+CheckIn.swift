import Contracts
import Postgres
import Store

/// Check-ins: sittings that a person announces and that nothing reports afterwards.
extension PlaybackStore {
    /// Opens a check-in. One of the same title that is under way continues as it is and is not reported again. Those of
    /// other titles end at the position that they must have reached by now, since a person watches one thing at a time.
    func checkIn(
        _ sitting: Sitting, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> PlaybackSession {
        try await database.transaction(until: deadline) { transaction throws(PGError) -> PlaybackSession in
            let underWay = try await transaction.query(PlaybackQueries.checkIns, [.id(sitting.user)])
            for session in underWay {
                let end = session.endsAt ?? sitting.startedAt
                let isOver = end <= sitting.startedAt
                if !isOver, session.title == sitting.title { return session }
                let progress = CheckIn.progressPercent(from: session.startedAt, until: end, at: sitting.startedAt)
                let stop = Stop(
                    user: sitting.user, session: session.id, progressPercent: progress,
                    at: isOver ? end : sitting.startedAt, heardAt: sitting.startedAt, isFullCourse: isOver)
                _ = try await close(stop, ending: true, in: transaction)
            }
            return try await open(sitting, telling: .checkedIn, in: transaction)
        }
    }

    /// The providers that count a check-in that has run its course by themselves.
    func checkedIn(
        _ session: PlaybackSession, _ user: UserID, in transaction: PGTransaction
    ) async throws(PGError) -> Set<SyncProvider> {
        let told = LivePlan.checkInFingerprint(session.id, startedAt: session.startedAt)
        return Set(
            try await transaction.query(
                PlaybackQueries.checkedInAt, [.id(user), .text(told), .moment(session.startedAt)]))
    }
}
