import Contracts
import Foundation
import JSON
import Postgres
import ScrobbleService
import Stack
import Store
import Synchronization
import TestSupport
import UpstreamEmulators

/// The environment of the queue's fault tests: a schema, a provider that accepts duplicates, and workers as processes.
enum QueueFaults {
    private static let ids = SystemIDSource()

    struct Place: Sendable {
        let database: TestDatabase
        let pool: PGPool
        let trakt: String
        let accounts: TraktAccounts
        private let numbers = NextNumber()

        init(database: TestDatabase, pool: PGPool, trakt: String, accounts: TraktAccounts) {
            self.database = database
            self.pool = pool
            self.trakt = trakt
            self.accounts = accounts
        }

        /// Queues jobs with consecutively numbered titles; returns the numbers once the database has acknowledged them.
        func fill(people: Int, jobs: Int, action: JobAction? = nil) async throws -> Set<Int> {
            let store = QueueStore(database: Database(pool: pool))
            var queued = Set<Int>()
            var all: [NewJob] = []
            for _ in 0..<people {
                let lane = LaneKey(user: UserID(ids.next()), provider: .trakt)
                for place in 0..<jobs {
                    let number = numbers.next()
                    queued.insert(number)
                    all.append(
                        NewJob(
                            id: ids.next(), lane: lane, urgency: place % 2 == 0 ? .live : .bulk, kind: .movie,
                            title: TitleID(UUIDBits(high: 1, low: UInt64(number))),
                            action: action ?? (place % 4 == 0 ? .stop : .addPlay),
                            payload: JobPayload(
                                progressPercent: 96.5, watchedAt: SystemWallClock().now, precision: .second, rating: 8),
                            fingerprint: "test \(number)"))
                }
            }
            for start in stride(from: 0, to: all.count, by: 500) {
                try await store.enqueue(Array(all[start..<min(start + 500, all.count)]), until: .now + .seconds(20))
            }
            return queued
        }

        private static let waiting = PGStatement("tests.waiting", "SELECT count(*) FROM scrobble_queue") {
            row throws(PGError) in try row.next(Int.self)
        }

        func waiting() async throws -> Int {
            do {
                return try await pool.first(Self.waiting, deadline: .now + .seconds(5)) ?? -1
            } catch {
                // The database is away for a moment.
                return -1
            }
        }

        private static let outcomes = PGStatement(
            "tests.outcomes",
            "SELECT CASE outcome WHEN 'dead' THEN 'dead: ' || reason ELSE outcome END, count(*) FROM queue_outcomes GROUP BY 1"
        ) { row throws(PGError) in (try row.next(String.self), try row.next(Int.self)) }

        /// The outcomes recorded in the database.
        func outcomes() async throws -> [String: Int] {
            Dictionary(uniqueKeysWithValues: try await pool.query(Self.outcomes))
        }

        private static let counted = PGStatement(
            "tests.counted", "SELECT count(*) FROM queue_outcomes WHERE retry_count > 1"
        ) { row throws(PGError) in try row.next(Int.self) }

        /// The number of jobs with more attempts counted than the one that delivered them.
        func counted() async throws -> Int { try await pool.first(Self.counted) ?? -1 }

        private static let endSessions = PGStatement(
            "tests.endSessions",
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'worker' AND datname = current_database()
            """, kind: .solo
        ) { row throws(PGError) in try row.next(Bool.self) }

        func endSessions() async throws {
            _ = try await pool.query(Self.endSessions, deadline: .now + .seconds(2))
        }

        /// The number of plays that have arrived.
        var arrived: Int { accounts.plays.count }

        /// Compares the client's records with the provider's.
        func compare(_ queued: Set<Int>) -> (lost: Int, doubled: Int, strange: Int) {
            let numbers = accounts.plays.compactMap { $0.ids["trakt"].int }
            let arrived = Set(numbers)
            return (
                queued.subtracting(arrived).count, numbers.count - arrived.count, arrived.subtracting(queued).count
            )
        }
    }

    /// Runs `body` with its own schema, on the tests' server or the one at `url`.
    static func withPlace(
        _ name: String, on url: String? = nil, _ body: @escaping @Sendable (Place) async throws -> Void
    ) async throws {
        try await TestDatabase.withSchema(name, on: url) { database in
            let pool = try PGPool(database.configuration())
            _ = try await Migrator(pool, schema: database.schema, migrations: ScrobbleService.migrations)
                .run(deadline: .now + .seconds(60))
            let outcome: Result<Void, any Error>
            do {
                try await RunningUpstreams.run { upstreams in
                    let accounts = upstreams.server.traktAccounts
                    accounts.behaveQuickly()
                    try await body(
                        Place(database: database, pool: pool, trakt: upstreams.url(.trakt), accounts: accounts))
                }
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await pool.shutDown()
            try outcome.get()
        }
    }

    private final class NextNumber: Sendable {
        private let number = Mutex(0)

        func next() -> Int {
            number.withLock { number in
                number += 1
                return number
            }
        }
    }
}

/// The jobs that the database has acknowledged.
final class AcknowledgedJobs: Sendable {
    private let state = Mutex(Set<Int>())

    func add(_ numbers: Set<Int>) { state.withLock { $0.formUnion(numbers) } }
    var numbers: Set<Int> { state.withLock(\.self) }
}

/// A `queue-worker` as a child process.
final class QueueWorkerProcess {
    private let process = Process()

    init(_ database: TestDatabase, _ trakt: String, _ point: String, _ nth: Int) throws {
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

    /// Whether the system has stopped it.
    var isStopped: Bool {
        let stat = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)) ?? ""
        return stat.split(separator: ")").last?.split(separator: " ").first == "T"
    }

    func wake() { Foundation.kill(process.processIdentifier, SIGCONT) }

    /// Asks it to end, and waits until it has.
    func stop() {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGTERM) }
        process.waitUntilExit()
    }

    func kill() {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}
