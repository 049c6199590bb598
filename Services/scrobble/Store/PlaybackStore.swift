package import Contracts
import Postgres
package import Store

/// Sittings in Postgres. Each change and the jobs that report it are one transaction.
package struct PlaybackStore: Sendable {
    let database: Database
    let ids: any IDSource
    let ledger: LedgerStore

    package init(database: Database, ids: any IDSource) {
        self.database = database
        self.ids = ids
        ledger = LedgerStore(database: database, ids: ids)
    }

    /// What a player reports about an open sitting.
    struct Move: Sendable {
        let user: UserID
        let session: PlaybackSessionID
        /// Nil leaves the state as it is.
        let state: PlaybackState?
        /// 0 to 100; nil leaves the position as it is.
        let progressPercent: Double?
        let at: Timestamp
        let expiresAt: Timestamp
        /// The expiry if the sitting is paused and stays so; nil for `expiresAt`.
        var pausedExpiresAt: Timestamp?
        /// What the other sides are told; nil for nothing.
        let step: PlaybackChange.Step?

        fileprivate var values: [PGValue] {
            [
                .id(user), .id(session), .text(state?.rawValue), .double(progressPercent), .moment(at),
                .moment(expiresAt), .moment(pausedExpiresAt),
            ]
        }
    }

    /// How a sitting ends.
    struct Stop: Sendable {
        let user: UserID
        let session: PlaybackSessionID
        /// 0 to 100.
        let progressPercent: Double
        let at: Timestamp
        /// When the end was reported, if not as it happened.
        var heardAt: Timestamp?
        /// The time zone that determines the play's day, instead of the sitting's own.
        var timeZone: String?
        /// Whether a check-in has run its course. The stop has no effect if the sitting is no longer a check-in.
        var isFullCourse = false
    }

    /// Opens a sitting, or continues the one that is open for its title. If that is already a play and starts over,
    /// another sitting is opened.
    func open(_ sitting: Sitting, until deadline: ContinuousClock.Instant) async throws(StoreError) -> PlaybackSession {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await open(sitting, telling: .started, in: transaction)
        }
    }

    func open(
        _ sitting: Sitting, telling step: PlaybackChange.Step?, in transaction: PGTransaction
    ) async throws(PGError) -> PlaybackSession {
        let kind: TitleKind = sitting.kind == .movie ? .movie : .episode
        try await transaction.execute(
            PlaybackQueries.leaveBehind,
            [
                .id(sitting.user), .id(sitting.title), .double(sitting.progressPercent),
                .double(OpenSitting.anewBelow),
            ])
        let values: [PGValue] = [
            .id(sitting.user), .id(sitting.id), .id(sitting.title), .text(sitting.kind.rawValue),
            .double(sitting.progressPercent), .moment(sitting.startedAt), .moment(sitting.expiresAt),
            .text(sitting.player), .text(sitting.timeZone), .int4(sitting.runtimeMinutes.map { Int32(clamping: $0) }),
            .bool(sitting.isCheckIn),
        ]
        guard let session = try await transaction.first(PlaybackQueries.open, values) else {
            throw PGError(.decoding, "the insert of a playback session returned no row")
        }
        if let step { try await tell(step, session, sitting.user, kind, in: transaction) }
        return session
    }

    /// Applies a player's report and returns the sitting; nil if it is not open.
    func move(_ move: Move, until deadline: ContinuousClock.Instant) async throws(StoreError) -> PlaybackSession? {
        guard move.step == nil else {
            return try await database.transaction(until: deadline) { transaction throws(PGError) in
                try await self.move(move, in: transaction)
            }
        }
        guard let moved = try await database.rows(PlaybackQueries.move, move.values, until: deadline).first else {
            return nil
        }
        if moved.wasCheckIn {
            try await database.transaction(until: deadline) { transaction throws(PGError) in
                try await tell(.resumed, moved.session, move.user, moved.kind, in: transaction)
            }
        }
        return moved.session
    }

    func move(_ move: Move, in transaction: PGTransaction) async throws(PGError) -> PlaybackSession? {
        guard let moved = try await transaction.first(PlaybackQueries.move, move.values) else { return nil }
        // A player that takes over a check-in also ends it on the other sides.
        if let step = move.step ?? (moved.wasCheckIn ? PlaybackChange.Step.resumed : nil) {
            try await tell(
                step, moved.session, move.user, moved.kind, wasCheckIn: moved.wasCheckIn, in: transaction)
        }
        return moved.session
    }

    /// Ends a sitting, which becomes a play if its threshold was reached.
    ///
    /// A sitting that had already ended returns the same outcome as then; nil if there is none. The day is in UTC if
    /// Postgres does not know its time zone (any more), because otherwise the sitting could never end.
    func close(_ stop: Stop, until deadline: ContinuousClock.Instant) async throws(StoreError) -> StopOutcome? {
        let closed: StopOutcome?
        do throws(StoreError) {
            closed = try await end(stop, until: deadline)
        } catch {
            guard case .invalidValue = error, stop.timeZone == nil else { throw error }
            var plain = stop
            plain.timeZone = "UTC"
            closed = try await end(plain, until: deadline)
        }
        if let closed { return closed }
        return try await database.rows(
            PlaybackQueries.outcomeOf, [.id(stop.user), .id(stop.session)], until: deadline
        ).first
    }

    /// Ends a sitting; nil if it is not open.
    private func end(_ stop: Stop, until deadline: ContinuousClock.Instant) async throws(StoreError) -> StopOutcome? {
        try await database.transaction(until: deadline) { transaction throws(PGError) -> StopOutcome? in
            guard try await close(stop, ending: true, in: transaction) != nil else { return nil }
            return try await transaction.first(PlaybackQueries.outcomeOf, [.id(stop.user), .id(stop.session)])
        }
    }

    /// Ends an open sitting, or turns it into a play and lets it continue; nil if it is not open.
    func close(
        _ stop: Stop, ending isEnd: Bool, in transaction: PGTransaction
    ) async throws(PGError) -> PlaybackSession? {
        guard let held = try await transaction.first(PlaybackQueries.hold, [.id(stop.user), .id(stop.session)]) else {
            return nil
        }
        guard held.isCheckIn || !stop.isFullCourse else { return nil }
        let reached = held.play == nil && held.threshold.isPlay(progressPercent: stop.progressPercent)
        let verdict = reached ? try await record(stop, held, in: transaction) : nil
        let session = try await transaction.first(
            PlaybackQueries.close,
            [
                .id(stop.user), .id(stop.session), .double(stop.progressPercent), .moment(stop.at),
                .id(verdict.flatMap(\.lasting)), .bool(isEnd),
            ])
        guard let session else { return nil }
        // What is already a play, from this sitting or another source, was reported then.
        if case .new? = verdict {
            let counted = stop.isFullCourse ? try await checkedIn(session, stop.user, in: transaction) : []
            try await tell(
                .stopped, session, stop.user, held.kind, wasCheckIn: held.isCheckIn, countedBy: counted,
                in: transaction)
        } else if isEnd, session.play == nil, verdict == nil {
            try await tell(.stopped, session, stop.user, held.kind, wasCheckIn: held.isCheckIn, in: transaction)
        }
        return session
    }

    private func record(
        _ stop: Stop, _ held: HeldSitting, in transaction: PGTransaction
    ) async throws(PGError) -> PlayVerdict? {
        let timeZone = stop.timeZone ?? held.timeZone
        let day = try await LedgerStore.day(of: stop.at, in: timeZone, transaction)
        let play = IncomingPlay(
            title: held.title, kind: held.kind, moment: .second(stop.at, day: day), percent: stop.progressPercent,
            runtimeMinutes: held.runtimeMinutes, source: PlaySource(name: PlayMatcher.sitting, key: "\(stop.session)"))
        let arrival = LedgerStore.Arrival(
            user: stop.user, timeZone: timeZone, batch: nil, at: stop.heardAt ?? stop.at, isByHand: false,
            plays: [play],
            telling: false)
        return try await ledger.add(arrival, in: transaction).first
    }

    /// Whether there is such a sitting, open or ended.
    func exists(
        _ session: PlaybackSessionID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(PlaybackQueries.outcomeOf, [.id(user), .id(session)], until: deadline).isEmpty
    }

    /// The extent of a sitting; nil if there is none.
    func extent(
        of session: PlaybackSessionID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> SittingExtent? {
        try await database.rows(PlaybackQueries.extent, [.id(user), .id(session)], until: deadline).first
    }

    /// At most `limit` open sittings of a person.
    func now(
        of user: UserID, at moment: Timestamp, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlaybackSession] {
        try await database.rows(PlaybackQueries.now, [.id(user), .moment(moment), .int(limit)], until: deadline)
    }

    /// Ends all sittings that have been silent for too long, at their last known position and time, `limit` of them
    /// looked up at a time, until the deadline. One that cannot be ended does not block the others and is retried the
    /// next time.
    package func closeExpired(
        at moment: Timestamp, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Expiry {
        var expiry = Expiry()
        var place = (
            expiresAt: Timestamp(clampingMicrosecondsSinceEpoch: .min),
            session: PlaybackSessionID(UUIDBits(high: 0, low: 0))
        )
        while true {
            let expired = try await database.rows(
                PlaybackQueries.expired,
                [.moment(moment), .int(limit), .moment(place.expiresAt), .id(place.session)], until: deadline)
            for sitting in expired {
                guard ContinuousClock.now < deadline else { return expiry }
                let stop = sitting.end(heardAt: moment)
                do throws(StoreError) {
                    _ = try await close(stop, until: min(deadline, ContinuousClock.now + Self.closingTimeout))
                    expiry.ended += 1
                } catch .cancelled {
                    throw .cancelled
                } catch {
                    expiry.failed[sitting.session] = error
                }
            }
            guard expired.count == limit, let last = expired.last else { return expiry }
            place = (last.expiresAt, last.session)
        }
    }

    /// The outcome of ending silent sittings.
    package struct Expiry: Sendable {
        package fileprivate(set) var ended = 0
        package fileprivate(set) var failed: [PlaybackSessionID: StoreError] = [:]
    }

    /// How long ending one silent sitting may take, so that the others get their turn.
    private static let closingTimeout = Duration.seconds(5)

    /// Sets a threshold if it was `expected`, or in any case if that is nil. Returns whether it did.
    func setThreshold(
        _ threshold: WatchThreshold, of user: UserID, where expected: WatchThreshold?,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(
            PlaybackQueries.setThreshold,
            [
                .id(user), .double(threshold.percent), .double(expected?.percent),
                .double(WatchThreshold.standard.percent),
            ], until: deadline
        ).isEmpty
    }

    func threshold(
        of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> WatchThreshold {
        try await database.rows(PlaybackQueries.threshold, [.id(user)], until: deadline).first
            .map { WatchThreshold(percent: $0) } ?? .standard
    }

    func tell(
        _ step: PlaybackChange.Step, _ session: PlaybackSession, _ user: UserID, _ kind: TitleKind,
        wasCheckIn: Bool = false, countedBy: Set<SyncProvider> = [], in transaction: PGTransaction
    ) async throws(PGError) {
        try await keepProgress(step, session, user, kind, in: transaction)
        // The other sides have their play; that its sitting continues would be another play to them.
        if session.play != nil, step != .stopped { return }
        let connections = try await transaction.query(PlaybackQueries.connections, [.id(user)])
        let change = PlaybackChange(
            step: step, user: user, session: session.id, title: session.title, kind: kind,
            progressPercent: session.progressPercent, at: session.updatedAt, isPlay: session.play != nil,
            wasCheckIn: wasCheckIn, countedBy: countedBy)
        let jobs = LivePlan.jobs(change, connections, id: ids.next)
        try await QueueStore.supersede(jobs.map(\.lane.provider), user, session.title, in: transaction)
        try await QueueStore.enqueue(jobs, in: transaction)
    }

    /// Stores progress after a pause or an end before the threshold; a play ends it.
    private func keepProgress(
        _ step: PlaybackChange.Step, _ session: PlaybackSession, _ user: UserID, _ kind: TitleKind,
        in transaction: PGTransaction
    ) async throws(PGError) {
        let values: [PGValue] = [.id(user), .id(session.title), .moment(session.updatedAt)]
        if session.play != nil {
            try await transaction.execute(PlaybackQueries.endProgress, values)
        } else if step == .paused || step == .stopped, session.progressPercent >= LivePlan.progressMin {
            try await transaction.execute(
                PlaybackQueries.keepProgress, values + [.word(kind), .double(session.progressPercent)])
        }
    }
}
