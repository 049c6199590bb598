package import Contracts
import Postgres
package import Store

/// Sittings in Postgres. Each change and the jobs that tell of it are one transaction.
package struct PlaybackStore: Sendable {
    private let database: Database
    private let ids: any IDSource

    package init(database: Database, ids: any IDSource) {
        self.database = database
        self.ids = ids
    }

    /// What a player tells of an open sitting.
    struct Move: Sendable {
        let user: UserID
        let session: PlaybackSessionID
        /// Nil leaves it as it is.
        let state: PlaybackState?
        /// 0 to 100; nil leaves it as it is.
        let progressPercent: Double?
        let at: Timestamp
        let expiresAt: Timestamp
        /// What the other sides are told; nil for nothing.
        let step: PlaybackChange.Step?
    }

    /// How a sitting ends.
    struct Stop: Sendable {
        let user: UserID
        let session: PlaybackSessionID
        /// 0 to 100.
        let progressPercent: Double
        let at: Timestamp
    }

    /// Opens a sitting, or goes on with the one that is open for its title.
    func open(_ sitting: Sitting, until deadline: ContinuousClock.Instant) async throws(StoreError) -> PlaybackSession {
        let kind: TitleKind = sitting.kind == .movie ? .movie : .episode
        let values: [PGValue] = [
            .id(sitting.user), .id(sitting.id), .id(sitting.title), .text(sitting.kind.rawValue),
            .double(sitting.progressPercent), .moment(sitting.startedAt), .moment(sitting.expiresAt),
        ]
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            guard let session = try await transaction.first(PlaybackQueries.open, values) else {
                throw PGError(.decoding, "the insert of a playback session answered with no row")
            }
            try await tell(.started, session, sitting.user, kind, in: transaction)
            return session
        }
    }

    /// The sitting after the word; nil where it is not open.
    func move(_ move: Move, until deadline: ContinuousClock.Instant) async throws(StoreError) -> PlaybackSession? {
        let values: [PGValue] = [
            .id(move.user), .id(move.session), .text(move.state?.rawValue), .double(move.progressPercent),
            .moment(move.at), .moment(move.expiresAt),
        ]
        guard let step = move.step else {
            return try await database.rows(PlaybackQueries.move, values, until: deadline).first?.session
        }
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            guard let moved = try await transaction.first(PlaybackQueries.move, values) else { return nil }
            try await tell(step, moved.session, move.user, moved.kind, in: transaction)
            return moved.session
        }
    }

    /// Ends a sitting; a play where its threshold was reached.
    ///
    /// A sitting that had ended before answers as it did then; nil where there is none.
    func close(_ stop: Stop, until deadline: ContinuousClock.Instant) async throws(StoreError) -> StopOutcome? {
        let closed = try await database.transaction(until: deadline) { transaction throws(PGError) -> StopOutcome? in
            guard let held = try await transaction.first(PlaybackQueries.hold, [.id(stop.user), .id(stop.session)])
            else { return nil }
            let play = held.threshold.isPlay(progressPercent: stop.progressPercent) ? PlayID(ids.next()) : nil
            let outcome = try await transaction.first(
                PlaybackQueries.close,
                [.id(stop.user), .id(stop.session), .double(stop.progressPercent), .moment(stop.at), .id(play)])
            guard let outcome else { return nil }
            try await tell(.stopped, outcome.session, stop.user, held.kind, in: transaction)
            return outcome
        }
        if let closed { return closed }
        return try await database.rows(
            PlaybackQueries.outcomeOf, [.id(stop.user), .id(stop.session)], until: deadline
        ).first
    }

    /// Whether there is such a sitting, open or ended.
    func exists(
        _ session: PlaybackSessionID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(PlaybackQueries.outcomeOf, [.id(user), .id(session)], until: deadline).isEmpty
    }

    /// What a person watches now; at most `limit`.
    func now(
        of user: UserID, at moment: Timestamp, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlaybackSession] {
        try await database.rows(PlaybackQueries.now, [.id(user), .moment(moment), .int(limit)], until: deadline)
    }

    /// Ends sittings of which nothing was heard for too long, at their last place and moment; how many.
    package func closeExpired(
        at moment: Timestamp, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Int {
        let expired = try await database.rows(
            PlaybackQueries.expired, [.moment(moment), .int(limit)], until: deadline)
        for sitting in expired {
            let stop = Stop(
                user: sitting.user, session: sitting.session, progressPercent: sitting.progressPercent,
                at: sitting.lastSeenAt)
            _ = try await close(stop, until: deadline)
        }
        return expired.count
    }

    func setThreshold(
        _ threshold: WatchThreshold, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            PlaybackQueries.setThreshold, [.id(user), .double(threshold.percent)], until: deadline)
    }

    func threshold(
        of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> WatchThreshold {
        try await database.rows(PlaybackQueries.threshold, [.id(user)], until: deadline).first
            .map { WatchThreshold(percent: $0) } ?? .standard
    }

    private func tell(
        _ step: PlaybackChange.Step, _ session: PlaybackSession, _ user: UserID, _ kind: TitleKind,
        in transaction: PGTransaction
    ) async throws(PGError) {
        let connections = try await transaction.query(PlaybackQueries.connections, [.id(user)])
        let change = PlaybackChange(
            step: step, user: user, session: session.id, title: session.title, kind: kind,
            progressPercent: session.progressPercent, at: session.updatedAt, isPlay: session.play != nil)
        try await QueueStore.enqueue(LivePlan.jobs(change, connections, id: ids.next), in: transaction)
    }
}
