package import Contracts
import Postgres
package import Store

/// Sittings in Postgres. Each change and the jobs that tell of it are one transaction.
package struct PlaybackStore: Sendable {
    let database: Database
    let ids: any IDSource
    let ledger: LedgerStore

    package init(database: Database, ids: any IDSource) {
        self.database = database
        self.ids = ids
        ledger = LedgerStore(database: database, ids: ids)
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
        /// The same where it is paused and stays so; nil for `expiresAt`.
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
        /// When it is heard of, where that is not as it happens.
        var heardAt: Timestamp?
        /// By which the play has its day, in place of the sitting's own.
        var timeZone: String?
        /// A check-in has run its course. Nothing where it is none any more.
        var isFullCourse = false
    }

    /// Opens a sitting, or goes on with the one that is open for its title; what is a play already and begins anew is another.
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
            throw PGError(.decoding, "the insert of a playback session answered with no row")
        }
        if let step { try await tell(step, session, sitting.user, kind, in: transaction) }
        return session
    }

    /// The sitting after the word; nil where it is not open.
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
        // That a player has taken it over ends a check-in elsewhere, too.
        if let step = move.step ?? (moved.wasCheckIn ? PlaybackChange.Step.resumed : nil) {
            try await tell(
                step, moved.session, move.user, moved.kind, wasCheckIn: moved.wasCheckIn, in: transaction)
        }
        return moved.session
    }

    /// Ends a sitting; a play where its threshold was reached.
    ///
    /// A sitting that had ended before answers as it did then; nil where there is none. Its day is that of UTC where Postgres
    /// does not know its zone (any more): it could never end.
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

    /// Nil where it is not open.
    private func end(_ stop: Stop, until deadline: ContinuousClock.Instant) async throws(StoreError) -> StopOutcome? {
        try await database.transaction(until: deadline) { transaction throws(PGError) -> StopOutcome? in
            guard try await close(stop, ending: true, in: transaction) != nil else { return nil }
            return try await transaction.first(PlaybackQueries.outcomeOf, [.id(stop.user), .id(stop.session)])
        }
    }

    /// Ends an open sitting, or makes a play of it and lets it go on; nil where it is not open.
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
        // What is a play already, by this sitting or by another road, was told then.
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

    /// Nil where there is no such sitting.
    func extent(
        of session: PlaybackSessionID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> SittingExtent? {
        try await database.rows(PlaybackQueries.extent, [.id(user), .id(session)], until: deadline).first
    }

    /// What a person watches now; at most `limit`.
    func now(
        of user: UserID, at moment: Timestamp, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlaybackSession] {
        try await database.rows(PlaybackQueries.now, [.id(user), .moment(moment), .int(limit)], until: deadline)
    }

    /// Ends sittings of which nothing was heard for too long, at their last place and moment: all of them, `limit` looked up at a
    /// time, until the deadline. One that cannot be ended holds no other up, and is tried again the next time.
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

    /// What became of sittings that were to end by themselves.
    package struct Expiry: Sendable {
        package fileprivate(set) var ended = 0
        package fileprivate(set) var failed: [PlaybackSessionID: StoreError] = [:]
    }

    /// How long the end of one silent sitting may take, so that the others have their turn.
    private static let closingTimeout = Duration.seconds(5)

    /// Sets a threshold where it was `expected`, or anything at all; whether it was.
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
        // The other sides have their play; that its sitting goes on would be another one to them.
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

    /// A break, or an end before the threshold, leaves something to go on with; a play leaves nothing.
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
