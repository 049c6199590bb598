import Contracts
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Store

/// The version of all that is stored, with a real database.
@Suite struct DatabaseVersionTests {
    private static let create = PGCommand(
        "tests.versions.create", "CREATE TABLE counters (id bigint PRIMARY KEY, count bigint NOT NULL)", kind: .solo)
    private static let fill = PGCommand(
        "tests.versions.fill", "INSERT INTO counters SELECT n, 0 FROM generate_series(0, 7) AS n")
    private static let add = PGCommand(
        "tests.versions.add", "UPDATE counters SET count = count + 1 WHERE id = $1")
    private static let fail = PGCommand("tests.versions.fail", "SELECT 1 / $1::bigint")
    /// Each row with the version, as the services' statements return it.
    private static let look = PGStatement(
        "tests.versions.look", "SELECT \(Database.versionSQL), count FROM counters ORDER BY id"
    ) { row throws(PGError) in
        (version: try row.next(String.self), count: try row.next(Int.self))
    }

    private static func with(_ body: (PGPool, Database) async throws -> Void) async throws {
        try await TestDatabase.withPool("versions") { pool in
            try await pool.execute(create)
            try await pool.execute(fill)
            try await body(pool, Database(pool: pool))
        }
    }

    private static func version(_ database: Database) async throws -> String {
        try #require(await database.version(until: .now + .seconds(20)))
    }

    private static func seen(_ pool: PGPool) async throws -> (version: String, counts: [Int]) {
        let rows = try await pool.query(look)
        let versions = Set(rows.map(\.version))
        #expect(versions.count == 1, "one statement sees one snapshot")
        return (try #require(versions.first), rows.map(\.count))
    }

    @Test("Two connections are told the same while nothing is written, and nothing by a database that does not answer")
    func alike() async throws {
        try await Self.with { pool, database in
            // The server writes its own statistics now and then.
            let isAlike = try await eventually {
                let told = try await pool.withTransaction { transaction throws(PGError) in
                    (try await transaction.query(Self.look), try await pool.query(Self.look))
                }
                return told.0.first?.version == told.1.first?.version
            }
            #expect(isAlike)
            await pool.shutDown()
            #expect(await database.version(until: .now + .seconds(20)) == nil)
        }
    }

    @Test("It changes with each commit, and is short")
    func commits() async throws {
        try await Self.with { pool, database in
            var versions: Set<String> = []
            for _ in 0..<5 {
                _ = try await pool.execute(Self.add, [.int(1)])
                let version = try await Self.version(database)
                #expect(version.utf8.count == 22)
                #expect(versions.insert(version).inserted)
            }
        }
    }

    @Test("A transaction that began before a version was told and commits after it changes it")
    func late() async throws {
        try await Self.with { pool, database in
            let before = try await pool.withTransaction { transaction throws(PGError) in
                _ = try await transaction.execute(Self.add, [.int(1)])
                // Another that begins later and ends first.
                _ = try await pool.execute(Self.add, [.int(2)])
                return try await pool.query(Self.look)
            }
            let after = try await Self.seen(pool)
            #expect(before.map(\.count) == [0, 0, 1, 0, 0, 0, 0, 0])
            #expect(after.counts == [0, 1, 1, 0, 0, 0, 0, 0])
            #expect(before.first?.version != after.version)
        }
    }

    /// What was read under each version.
    private final class Readings: Sendable {
        struct State {
            var counts: [String: [Int]] = [:]
            var reads = 0
            var again = 0
            var isOver = false
        }

        let state = Mutex(State())

        /// Returns what was read under the same version before.
        func note(_ seen: (version: String, counts: [Int])) -> [Int]? {
            state.withLock { state in
                let before = state.counts.updateValue(seen.counts, forKey: seen.version)
                state.reads += 1
                if before != nil { state.again += 1 }
                return before
            }
        }
    }

    @Test("Whatever writers do at the same time, what was read under one version is the same")
    func writers() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        let readings = Readings()
        try await Self.with { pool, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for reader in 0..<2 {
                    group.addTask {
                        while !readings.state.withLock(\.isOver) {
                            let seen = try await Self.seen(pool)
                            if let before = readings.note(seen) {
                                #expect(before == seen.counts, "seed \(seed), reader \(reader)")
                            }
                        }
                    }
                }
                try await Self.write(pool, seed)
                readings.state.withLock { $0.isOver = true }
                try await group.waitForAll()
            }
        }
        let state = readings.state.withLock { $0 }
        #expect(state.again > 0 && state.counts.count > 10, "\(state.again) of \(state.reads), seed \(seed)")
    }

    /// Three writers, each with rows of its own so that none waits for another's locks; some roll back, some fail.
    private static func write(_ pool: PGPool, _ seed: UInt64) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<3 {
                group.addTask {
                    var random = SeededRandom(seed: seed &+ UInt64(writer))
                    for _ in 0..<60 {
                        let kind = random.next() % 4
                        try? await pool.withTransaction { transaction throws(PGError) in
                            _ = try await transaction.execute(add, [.int(2 * writer)])
                            if kind > 0 { _ = try await transaction.execute(add, [.int(2 * writer + 1)]) }
                            if kind == 1 { try await transaction.rollBack() }
                            if kind == 2 { _ = try await transaction.execute(fail, [.int(0)]) }
                        }
                        try await Task.sleep(for: .milliseconds(Int(random.next() % 4)))
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
