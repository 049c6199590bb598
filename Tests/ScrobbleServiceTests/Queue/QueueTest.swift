import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Shared helpers for the queue's tests: jobs, workers, and the invariants that hold at all times.
enum QueueTest {
    static let ids = SystemIDSource()

    static func deadline(_ seconds: Int = 20) -> ContinuousClock.Instant { .now.advanced(by: .seconds(seconds)) }

    /// Delays in milliseconds instead of minutes.
    static var quick: QueueLimits {
        var limits = QueueLimits()
        limits.lease = .seconds(2)
        limits.heartbeat = .milliseconds(500)
        limits.leaseLeftMin = .milliseconds(200)
        limits.callTimeout = .seconds(1)
        limits.backoffMin = .milliseconds(5)
        limits.backoffMax = .milliseconds(50)
        limits.firstLook = .milliseconds(60)
        limits.secondLook = .milliseconds(120)
        limits.poll = .milliseconds(100)
        return limits
    }

    static func lane(_ provider: SyncProvider = .trakt) -> LaneKey {
        LaneKey(user: UserID(ids.next()), provider: provider)
    }

    static func job(_ lane: LaneKey, _ urgency: JobUrgency = .bulk, _ action: JobAction = .addPlay) -> NewJob {
        let id = ids.next()
        return NewJob(
            id: id, lane: lane, urgency: urgency, kind: .movie, title: TitleID(id), action: action,
            payload: JobPayload(watchedAt: SystemWallClock().now, precision: .second), fingerprint: "test \(id)")
    }

    static func withStores(
        _ count: Int = 2, _ limits: QueueLimits = quick, _ body: ([QueueStore], PGPool) async throws -> Void
    ) async throws {
        try await TestDatabase.withReplicas(count, migrations: ScrobbleService.migrations) { pools in
            try await body(pools.map { QueueStore(database: Database(pool: $0), limits: limits) }, pools[0])
        }
    }

    /// Runs workers until `isOver`, for at most `limit`; returns false if the time ran out.
    @discardableResult
    static func work(
        _ workers: [QueueWorker], within limit: Duration = .seconds(60), until isOver: () async throws -> Bool
    ) async throws -> Bool {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in workers { group.addTask { await worker.run() } }
            defer { group.cancelAll() }
            let end = ContinuousClock.now + limit
            while ContinuousClock.now < end {
                if try await isOver() { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }
    }

    static let waiting = PGStatement("tests.waiting", "SELECT count(*) FROM scrobble_queue") { row throws(PGError) in
        try row.next(Int.self)
    }

    static func outcomes(_ pool: PGPool) async throws -> [String: Int] {
        let statement = PGStatement(
            "tests.outcomes", "SELECT outcome || ': ' || reason, count(*) FROM queue_outcomes GROUP BY 1"
        ) { row throws(PGError) in (try row.next(String.self), try row.next(Int.self)) }
        return Dictionary(uniqueKeysWithValues: try await pool.query(statement))
    }

    /// Lanes whose counts or lower bounds contradict their jobs.
    static let faults = PGStatement(
        "tests.faults",
        """
        SELECT count(*) FROM queue_lanes l WHERE
            live_count <> (SELECT count(*) FROM scrobble_queue q
                WHERE q.user_id = l.user_id AND q.provider = l.provider AND urgency = 0)
            OR bulk_count <> (SELECT count(*) FROM scrobble_queue q
                WHERE q.user_id = l.user_id AND q.provider = l.provider AND urgency = 1)
            OR EXISTS (SELECT FROM scrobble_queue q WHERE q.user_id = l.user_id AND q.provider = l.provider
                AND q.position < CASE urgency WHEN 0 THEN live_from ELSE bulk_from END)
        """
    ) { row throws(PGError) in try row.next(Int.self) }
}
