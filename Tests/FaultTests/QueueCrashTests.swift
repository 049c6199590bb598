import Contracts
import Foundation
import JSON
import Postgres
import ScrobbleService
import Stack
import Store
import TestSupport
import Testing
import UpstreamEmulators

extension FaultTests {
    /// Workers of the queue are killed at every point of a delivery, beside another side that takes everything twice. Three
    /// books must agree: what was queued, what the database says became of it, what has arrived.
    struct QueueCrashTests {
        private static let points = [
            "before_intent", "after_intent", "after_bytes", "after_commit", "after_reply", "after_settle",
        ]
        private static let ids = SystemIDSource()

        @Test("Queue: two workers killed at six points, replies and requests lost: nothing lost, nothing doubled")
        func crashes() async throws {
            let seed = UInt64.random(in: 0 ... .max)
            let (people, jobsEach) = Form.choose((20, 15), full: (200, 50))
            try await TestDatabase.withSchema("queue_crash") { database in
                let pool = try PGPool(database.configuration())
                _ = try await Migrator(pool, schema: database.schema, migrations: ScrobbleService.migrations)
                    .run(deadline: .now + .seconds(60))
                try await RunningUpstreams.run { upstreams in
                    let accounts = upstreams.server.traktAccounts
                    var behaviour = TraktAccounts.Behaviour()
                    behaviour.writeMilliseconds = 0
                    behaviour.lostReplyPercent = 2
                    behaviour.lostRequestPercent = 2
                    behaviour.busyPercent = 2
                    accounts.behave(behaviour)
                    let queued = try await Self.fill(pool, people: people, jobs: jobsEach)
                    let kills = try await Self.kill(
                        database, upstreams.url(.trakt), seed: seed, rounds: Form.choose(4, full: 50))
                    let begun = ContinuousClock.now
                    let drained = try await Self.drain(database, pool, upstreams.url(.trakt))
                    let took = begun.duration(to: .now)
                    let book = Self.compare(queued, accounts.plays)
                    let outcomes = try await Self.outcomes(pool)
                    let isHeld =
                        drained && book.lost == 0 && book.doubled == 0 && book.strange == 0
                        && outcomes == ["done": queued.count]
                    report(
                        "Queue crashes", isHeld: isHeld,
                        "seed \(seed): \(kills) kills, \(queued.count) jobs; lost \(book.lost), doubled \(book.doubled), "
                            + "never queued \(book.strange); outcomes \(outcomes); drained in \(took)")
                    #expect(isHeld)
                }
                await pool.shutDown()
            }
        }

        /// Jobs whose titles are numbered from 1; what the client was told is queued.
        private static func fill(_ pool: PGPool, people: Int, jobs: Int) async throws -> Set<Int> {
            let store = QueueStore(database: Database(pool: pool))
            var number = 0
            for _ in 0..<people {
                let lane = LaneKey(user: UserID(ids.next()), provider: .trakt)
                let jobs = (0..<jobs).map { place in
                    number += 1
                    return NewJob(
                        id: ids.next(), lane: lane, urgency: place % 2 == 0 ? .live : .bulk, kind: .movie,
                        title: TitleID(UUIDBits(high: 1, low: UInt64(number))),
                        action: place % 4 == 0 ? .stop : .addPlay,
                        payload: JobPayload(
                            progressPercent: 96.5, watchedAt: SystemWallClock().now, precision: .second),
                        fingerprint: "test \(number)")
                }
                try await store.enqueue(jobs, until: .now + .seconds(20))
            }
            return Set(1...number)
        }

        /// In each round two workers, each with a point at which it dies; one that does not reach it is killed anyway.
        private static func kill(
            _ database: TestDatabase, _ trakt: String, seed: UInt64, rounds: Int
        ) async throws -> Int {
            var random = SeededRandom(seed: seed)
            var kills = 0
            for round in 0..<(rounds * points.count / 2) {
                let workers = try (0..<2).map { side in
                    try Worker(
                        database, trakt, dying: points[(round * 2 + side) % points.count],
                        nth: 1 + Int(random.next() % 4))
                }
                let end = ContinuousClock.now + .milliseconds(700)
                while workers.contains(where: \.isRunning), ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(10))
                }
                for worker in workers { worker.kill() }
                kills += 2
            }
            return kills
        }

        private static func drain(_ database: TestDatabase, _ pool: PGPool, _ trakt: String) async throws -> Bool {
            let workers = try (0..<2).map { _ in try Worker(database, trakt, dying: "none", nth: 1) }
            defer { for worker in workers { worker.kill() } }
            return try await holds(within: .seconds(60)) { try await pool.first(waiting) == 0 }
        }

        private static let waiting = PGStatement("tests.waiting", "SELECT count(*) FROM scrobble_queue") {
            row throws(PGError) in try row.next(Int.self)
        }

        private static func outcomes(_ pool: PGPool) async throws -> [String: Int] {
            let statement = PGStatement(
                "tests.outcomes", "SELECT outcome, count(*) FROM queue_outcomes GROUP BY outcome"
            ) { row throws(PGError) in (try row.next(String.self), try row.next(Int.self)) }
            return Dictionary(uniqueKeysWithValues: try await pool.query(statement))
        }

        private static func compare(
            _ queued: Set<Int>, _ plays: [TraktAccounts.Play]
        ) -> (lost: Int, doubled: Int, strange: Int) {
            let numbers = plays.compactMap { $0.ids["trakt"].int }
            let arrived = Set(numbers)
            return (
                queued.subtracting(arrived).count, numbers.count - arrived.count, arrived.subtracting(queued).count
            )
        }
    }

    /// A `queue-worker` as a child process.
    private final class Worker {
        private let process = Process()

        init(_ database: TestDatabase, _ trakt: String, dying point: String, nth: Int) throws {
            let folder =
                ProcessInfo.processInfo.environment["REELAY_BIN"].map { URL(fileURLWithPath: $0) }
                ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            process.executableURL = folder.appendingPathComponent("queue-worker")
            process.arguments = [database.url, database.schema, trakt, point, "\(nth)"]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
        }

        var isRunning: Bool { process.isRunning }

        func kill() {
            if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
        }
    }
}
