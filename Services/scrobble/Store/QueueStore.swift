package import Contracts
import JSON
import Postgres
import RPC
package import Store

/// The queue in Postgres: lanes, jobs and what became of them.
package struct QueueStore: Sendable {
    package let database: Database
    package let limits: QueueLimits

    package init(database: Database, limits: QueueLimits = QueueLimits()) {
        self.database = database
        self.limits = limits
    }

    // MARK: In

    /// Queues jobs in their order; the ids of those that did not wait already.
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

    /// As part of the change that the jobs tell of; the ids of those that did not wait already.
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

    /// What belongs into lanes that are not there yet. The others are queued, and may even have been delivered already.
    private static func left(of jobs: [NewJob], _ answers: [Enqueued]) -> [NewJob] {
        let missing = Set(answers.compactMap(\.missingLane))
        return missing.isEmpty ? [] : jobs.filter { missing.contains($0.lane) }
    }

    /// Where somebody queues the same at the same moment: now it is seen.
    private static func repeated<Value>(
        _ work: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        for _ in 0..<3 {
            do { return try await work() } catch .conflict(constraint: "scrobble_queue_by_fingerprint") {}
        }
        return try await work()
    }

    /// Takes jobs about these things back that nobody has begun to send.
    static func withdraw(
        _ fingerprints: [String], of user: UserID, because reason: String, in transaction: PGTransaction
    ) async throws(PGError) -> Set<JobSubject> {
        Set(
            try await transaction.query(
                QueueQueries.withdraw, [.id(user), .textArray(fingerprints), .text(reason)]))
    }

    /// Takes back what nobody has begun to tell of a title that is watched: what follows says how it stands now. A call that may
    /// have arrived is taken back too.
    static func supersede(
        _ providers: [SyncProvider], _ user: UserID, _ title: TitleID, in transaction: PGTransaction
    ) async throws(PGError) {
        guard !providers.isEmpty else { return }
        let momentary = JobAction.allCases.filter(\.isMomentary).map(\.rawValue)
        try await transaction.execute(
            QueueQueries.supersede,
            [.id(user), .textArray(providers.map(\.rawValue)), .id(title), .textArray(momentary)])
    }

    /// Bulk jobs about these things; live ones would overtake them.
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

    /// Leases due lanes of `providers`, with their first jobs marked as about to be sent; `window` moves on.
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

    /// Writes down what the workers found; lanes that are no longer theirs stay as they are and are not in the answer.
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
        // With what was refused, or nobody would know why it left the queue, and no sync would tell it again.
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            let settled = try await transaction.query(QueueQueries.settle, values)
            let kept = Set(settled.map(\.key))
            for settlement in barred where kept.contains(settlement.claim.key) {
                try await Self.bar(settlement.bars, settlement.claim, in: transaction)
            }
            return settled
        }
    }

    /// Stops facets of a lane and takes back what waits of them.
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

    /// Renews the leases of `claims`; the lanes that were lost are not in the answer.
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

    /// How much waits, and for how long the lane has been due that nobody has taken up, in seconds.
    func size(until deadline: ContinuousClock.Instant) async throws(StoreError) -> (waiting: Int, oldestDue: Double) {
        try await database.rows(QueueQueries.size, [], until: deadline).first ?? (0, 0)
    }

    /// Tells every replica that there is work.
    package func ring(until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(QueueQueries.ring, [], until: deadline)
    }

    // MARK: By hand

    /// Takes a waiting job back; false where it is gone or on its way.
    package func cancel(
        _ job: UUIDBits, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(QueueQueries.cancel, [.id(user), .uuid(PGUUID(job))], until: deadline).isEmpty
    }

    /// Sends a dead job again, behind what waits; false where there is none.
    package func revive(
        _ job: UUIDBits, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            let jobs = try await transaction.query(QueueQueries.revive, [.id(user), .uuid(PGUUID(job))])
            try await Self.enqueue(jobs, in: transaction)
            return !jobs.isEmpty
        }
    }

    /// Sends dead jobs of the providers again, the earliest first, at most `limit`; how many. Those of accounts that are not
    /// connected stay.
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

    /// Stops or restarts a connection's jobs; what is under way is finished.
    package func pause(
        _ lane: LaneKey, _ isPaused: Bool, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            QueueQueries.pause, [.id(lane.user), .word(lane.provider), .bool(isPaused)], until: deadline)
    }

    /// A person's jobs after `place`, the latest first.
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

    /// Whether this worker has the turn at a periodic job, which comes round every `interval`.
    package func takeTurn(
        _ name: String, every interval: Duration, as worker: UUIDBits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(
            QueueQueries.takeTurn, [.text(name), .uuid(PGUUID(worker)), .double(interval.inSeconds)], until: deadline
        ).isEmpty
    }

    /// Removes outcomes that nobody needs any more, and lets connections go on that another version has stopped.
    package func sweep(until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(
            QueueQueries.sweep, [.double(limits.outcomesFor.inSeconds), .int(limits.sweepMax)], until: deadline)
        try await database.run(StopQueries.heal, [], until: deadline)
    }
}

extension PGUUID {
    init(_ bits: UUIDBits) { self.init(high: bits.high, low: bits.low) }
}
