package import Contracts
import JSON
import Postgres
import RPC
package import Store

/// The queue in Postgres: lanes, jobs and their outcomes.
package struct QueueStore: Sendable {
    package let database: Database
    package let limits: QueueLimits

    package init(database: Database, limits: QueueLimits = QueueLimits()) {
        self.database = database
        self.limits = limits
    }

    // MARK: In

    /// Queues jobs in order. Returns the ids of those that were not waiting already.
    @discardableResult
    package func enqueue(
        _ jobs: [NewJob], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [UUIDBits] {
        guard !jobs.isEmpty else { return [] }
        let answers = try await Self.repeated { () throws(StoreError) in
            try await database.rows(QueueQueries.enqueue, Self.values(jobs), until: deadline)
        }
        let left = Self.left(of: jobs, answers)
        guard !left.isEmpty else { return answers.compactMap(\.id) }
        return try await answers.compactMap(\.id)
            + Self.repeated { () throws(StoreError) in
                try await database.transaction(until: deadline) { transaction throws(PGError) in
                    try await Self.enqueue(left, in: transaction)
                }
            }
    }

    /// Queues jobs within the transaction that they report. Returns the ids of those that were not waiting already.
    @discardableResult
    static func enqueue(_ jobs: [NewJob], in transaction: PGTransaction) async throws(PGError) -> [UUIDBits] {
        guard !jobs.isEmpty else { return [] }
        let answers = try await transaction.query(QueueQueries.enqueue, values(jobs))
        let left = left(of: jobs, answers)
        guard !left.isEmpty else { return answers.compactMap(\.id) }
        try await transaction.execute(
            QueueQueries.openLanes, [.ids(left.map(\.lane.user)), .textArray(left.map(\.lane.provider.rawValue))])
        let rest = try await transaction.query(QueueQueries.enqueue, values(left))
        guard self.left(of: left, rest).isEmpty else { throw PGError(.decoding, "a lane cannot be opened") }
        return (answers + rest).compactMap(\.id)
    }

    /// The jobs whose lanes do not exist yet. The others are queued, and may even have been delivered already.
    private static func left(of jobs: [NewJob], _ answers: [Enqueued]) -> [NewJob] {
        let missing = Set(answers.compactMap(\.missingLane))
        return missing.isEmpty ? [] : jobs.filter { missing.contains($0.lane) }
    }

    /// Repeats work that conflicted with an identical job queued at the same moment; the repetition sees that job.
    private static func repeated<Value>(
        _ work: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        for _ in 0..<3 {
            do { return try await work() } catch .conflict(constraint: "scrobble_queue_by_fingerprint") {}
        }
        return try await work()
    }

    /// Cancels jobs about these subjects that nobody has begun to send.
    static func withdraw(
        _ fingerprints: [String], of user: UserID, because reason: String, in transaction: PGTransaction
    ) async throws(PGError) -> Set<JobSubject> {
        Set(
            try await transaction.query(
                QueueQueries.withdraw, [.id(user), .textArray(fingerprints), .text(reason)]))
    }

    /// Withdraws waiting jobs about what somebody is watching of a title, because the next job reports the current
    /// state. Those that were sent and may have arrived are withdrawn, too.
    static func supersede(
        _ providers: [SyncProvider], _ user: UserID, _ title: TitleID, in transaction: PGTransaction
    ) async throws(PGError) {
        guard !providers.isEmpty else { return }
        let momentary = JobAction.allCases.filter(\.isMomentary).map(\.rawValue)
        try await transaction.execute(
            QueueQueries.supersede,
            [.id(user), .textArray(providers.map(\.rawValue)), .id(title), .textArray(momentary)])
    }

    /// Bulk jobs about these subjects, which live jobs would overtake.
    static func bulk(
        about fingerprints: [String], of user: UserID, in transaction: PGTransaction
    ) async throws(PGError) -> Set<JobSubject> {
        Set(try await transaction.query(QueueQueries.bulkLeft, [.id(user), .textArray(fingerprints)]))
    }

    private static func values(_ jobs: [NewJob]) -> [PGValue] {
        let trace = TraceContext.current?.traceparent
        return [
            .uuidArray(jobs.map { PGUUID($0.id) }), .ids(jobs.map(\.lane.user)),
            .textArray(jobs.map(\.lane.provider.rawValue)), .int2Array(jobs.map(\.urgency.rawValue)),
            .textArray(jobs.map(\.kind.rawValue)), .ids(jobs.map(\.title)), .textArray(jobs.map(\.action.rawValue)),
            .jsonbArray(jobs.map { encodeJSON($0.payload.traced(by: trace)) }), .textArray(jobs.map(\.joinKey)),
            .textArray(jobs.map(\.fingerprint)), .uuidArray(jobs.map { $0.batch.map { PGUUID($0) } }),
        ]
    }

    // MARK: Work

    /// Leases due lanes of `providers` and marks their first jobs as about to be sent. Moves `window` on.
    package func claim(
        as worker: UUIDBits, _ window: inout ClaimWindow, liveMax: Int, bulkMax: Int, providers: [SyncProvider],
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [LaneClaim] {
        let begun = ContinuousClock.now
        let rows = try await database.rows(
            QueueQueries.claim,
            [
                .uuid(PGUUID(worker)), .double(limits.lease.inSeconds), .textArray(providers.map(\.rawValue)),
                .moment(window.live), .int(liveMax), .moment(window.bulk), .int(bulkMax), .int(limits.joinedMax),
            ], until: deadline)
        var claims: [LaneClaim] = []
        for row in rows {
            window.saw(row.dueAt, isLive: row.isLive)
            if claims.last?.key != row.key {
                claims.append(
                    LaneClaim(
                        key: row.key, fence: row.fence, urgency: row.urgency, leaseEnds: begun + limits.lease, jobs: [])
                )
            }
            if let job = row.job { claims[claims.count - 1].jobs.append(job) }
        }
        return claims
    }

    /// Writes the workers' results. Lanes that are no longer theirs stay as they are and are not returned.
    package func settle(
        _ settlements: [LaneSettlement], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SettledLane] {
        let jobs = settlements.flatMap { settlement in settlement.jobs.map { (settlement.claim, $0) } }
        let values: [PGValue] = [
            .ids(settlements.map(\.claim.key.user)), .textArray(settlements.map(\.claim.key.provider.rawValue)),
            .int8Array(settlements.map(\.claim.fence)), .int2Array(settlements.map(\.claim.urgency.rawValue)),
            .doubleArray(settlements.map(\.hold.inSeconds)), .doubleArray(settlements.map(\.wait.inSeconds)),
            .int8Array(settlements.map(\.low)), .textArray(settlements.map { $0.trouble?.rawValue }),
            .ids(jobs.map(\.0.key.user)), .textArray(jobs.map(\.0.key.provider.rawValue)),
            .int2Array(jobs.map(\.0.urgency.rawValue)), .int8Array(jobs.map(\.1.position)),
            .textArray(jobs.map(\.1.fate.word)), .textArray(jobs.map(\.1.fate.reason)),
            .int2Array(jobs.map { Int16(clamping: $0.1.fate.looks) }),
            .int2Array(jobs.map { $0.1.fate.isCounted ? 0 : 1 }),
            .int2Array(jobs.map { $0.1.fate.mayHaveArrived ? 0 : 1 }), .int8Array(jobs.map(\.0.fence)),
        ]
        let barred = settlements.filter { !$0.bars.isEmpty }
        guard !barred.isEmpty else { return try await database.rows(QueueQueries.settle, values, until: deadline) }
        // Together with what was refused; otherwise nobody would know why it left the queue, and no sync would send it
        // again.
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            let settled = try await transaction.query(QueueQueries.settle, values)
            let kept = Set(settled.map(\.key))
            for settlement in barred where kept.contains(settlement.claim.key) {
                try await Self.bar(settlement.bars, settlement.claim, in: transaction)
            }
            return settled
        }
    }

    /// Stops facets of a lane and withdraws their waiting jobs.
    private static func bar(
        _ bars: [SyncFacet: StopCause], _ claim: LaneClaim, in transaction: PGTransaction
    ) async throws(PGError) {
        let key: [PGValue] = [.id(claim.key.user), .word(claim.key.provider)]
        for (facet, cause) in bars.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            try await transaction.execute(
                StopQueries.bar,
                key + [
                    .int8(claim.fence), .word(facet), .word(cause), .double(TraktLimits.stoppedFor.inSeconds),
                ])
            guard let park = StopQueries.park[cause] else { continue }
            try await transaction.execute(
                park, key + [.textArray(JobAction.filling(facet).map(\.rawValue)), .word(facet)])
        }
    }

    /// Renews the leases of `claims`. Lanes that were lost are not returned.
    package func renew(
        _ claims: [LaneClaim], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Set<LaneKey> {
        Set(
            try await database.rows(
                QueueQueries.renew,
                [
                    .ids(claims.map(\.key.user)), .textArray(claims.map(\.key.provider.rawValue)),
                    .int8Array(claims.map(\.fence)), .double(limits.lease.inSeconds),
                ], until: deadline))
    }

    /// The number of waiting jobs, and for how long the oldest unclaimed lane has been due, in seconds.
    func size(until deadline: ContinuousClock.Instant) async throws(StoreError) -> (waiting: Int, oldestDue: Double) {
        try await database.rows(QueueQueries.size, [], until: deadline).first ?? (0, 0)
    }

    /// Tells every replica that there is work.
    package func ring(until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(QueueQueries.ring, [], until: deadline)
    }

    // MARK: By hand

    /// Cancels a waiting job; false if it is gone or on its way.
    package func cancel(
        _ job: UUIDBits, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(QueueQueries.cancel, [.id(user), .uuid(PGUUID(job))], until: deadline).isEmpty
    }

    /// Queues a dead job again, behind the waiting ones; false if there is none.
    package func revive(
        _ job: UUIDBits, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            let jobs = try await transaction.query(QueueQueries.revive, [.id(user), .uuid(PGUUID(job))])
            try await Self.enqueue(jobs, in: transaction)
            return !jobs.isEmpty
        }
    }

    /// Queues at most `limit` dead jobs of the providers again, the oldest first. Returns how many. Jobs of accounts
    /// that are not connected stay dead.
    package func revive(
        of providers: [SyncProvider], limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Int {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            let jobs = try await transaction.query(
                QueueQueries.reviveMany, [.textArray(providers.map(\.rawValue)), .int(limit)])
            try await Self.enqueue(jobs, in: transaction)
            return jobs.count
        }
    }

    /// Pauses or resumes a connection's jobs; those under way are finished.
    package func pause(
        _ lane: LaneKey, _ isPaused: Bool, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            QueueQueries.pause, [.id(lane.user), .word(lane.provider), .bool(isPaused)], until: deadline)
    }

    /// A person's jobs after `place`, newest first.
    func jobs(
        of user: UserID, _ list: JobList, after place: HistoryCursor, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ListedJob] {
        switch list {
        case .waiting:
            try await database.rows(QueueQueries.waiting, [.id(user), .id(place.id), .int(limit)], until: deadline)
        case .finished, .dead:
            try await database.rows(
                list == .dead ? QueueQueries.dead : QueueQueries.finished,
                [.id(user), .moment(place.listedAt), .id(place.id), .int(limit)], until: deadline)
        }
    }

    // MARK: Housekeeping

    /// Whether this worker gets the turn at a periodic job, which comes round every `interval`.
    package func takeTurn(
        _ name: String, every interval: Duration, as worker: UUIDBits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(
            QueueQueries.takeTurn, [.text(name), .uuid(PGUUID(worker)), .double(interval.inSeconds)], until: deadline
        ).isEmpty
    }

    /// Deletes outcomes that are no longer needed, and resumes connections that another version has stopped.
    package func sweep(until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(
            QueueQueries.sweep, [.double(limits.outcomesFor.inSeconds), .int(limits.sweepMax)], until: deadline)
        try await database.run(StopQueries.heal, [], until: deadline)
    }
}

extension PGUUID {
    init(_ bits: UUIDBits) { self.init(high: bits.high, low: bits.low) }
}
