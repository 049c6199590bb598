import Foundation
import Postgres
import Stack
import Store
import TestSupport
import Testing

extension FaultTests {
    /// Postgres recovers by itself after one of its processes has died, and issues the numbers of lost transactions again.
    struct RecoveryTests {
        private static let create = PGCommand(
            "tests.recovery.create", "CREATE TABLE counters (count bigint NOT NULL)", kind: .solo)
        private static let fill = PGCommand("tests.recovery.fill", "INSERT INTO counters VALUES (0)")
        private static let add = PGCommand("tests.recovery.add", "UPDATE counters SET count = count + $1")
        private static let checkpoint = PGCommand("tests.recovery.checkpoint", "CHECKPOINT", kind: .solo)
        private static let look = PGStatement(
            "tests.recovery.look",
            "SELECT \(Database.versionSQL), pg_current_snapshot()::text, count, pg_backend_pid()::bigint FROM counters"
        ) { row throws(PGError) in
            Seen(version: try row.next(), snapshot: try row.next(), count: try row.next(), process: try row.next())
        }

        private struct Seen: Sendable {
            let version: String
            let snapshot: String
            let count: Int
            let process: Int
        }

        @Test(
            "The version of the data is another after a recovery, even where the snapshot is the same and the data is not"
        )
        func numbersIssuedAgain() async throws {
            let server = try await OwnPostgres.start(settings: "wal_writer_delay = 10s\nautovacuum = off")
            let outcome: Result<Bool, any Error>
            do {
                outcome = .success(
                    try await TestDatabase.withPool("recovery", on: server.url) { pool in
                        try await pool.execute(Self.create)
                        try await pool.execute(Self.fill)
                        // A transaction that is not lost after all proves nothing.
                        for _ in 0..<10 where try await Self.isSeenThrough(pool) { return true }
                        return false
                    })
            } catch {
                outcome = .failure(error)
            }
            await server.remove()
            #expect(try outcome.get(), "no number was issued again")
        }

        /// Loses a transaction and commits others; returns whether a snapshot of before came up again with other data.
        private static func isSeenThrough(_ pool: PGPool) async throws -> Bool {
            try await pool.execute(checkpoint)
            try await pool.withTransaction(durability: .eventual) { transaction throws(PGError) in
                _ = try await transaction.execute(add, [.int(1)])
            }
            let before = try #require(try await pool.query(look).first)
            try await Command.run("kill", ["-9", "\(before.process)"])
            for _ in 0..<5 {
                var after: Seen?
                _ = try await eventually {
                    after = try? await pool.query(look).first
                    return after != nil
                }
                let now = try #require(after)
                #expect(now.version != before.version)
                if now.snapshot == before.snapshot, now.count != before.count { return true }
                try await pool.execute(add, [.int(10)])
            }
            return false
        }
    }
}
