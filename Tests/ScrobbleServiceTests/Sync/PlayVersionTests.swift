import Contracts
import JSON
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Whether a sync notices that a person's plays have changed.
@Suite struct PlayVersionTests {
    private static func turn(_ taken: Int, _ back: Int) -> PGCommand {
        let (out, kept) = (NeighbourBook.title(taken), NeighbourBook.title(back))
        return PGCommand(
            "tests.turn \(taken)",
            """
            UPDATE plays SET removed_at = CASE title_id WHEN '\(out)' THEN now() END
            WHERE title_id IN ('\(out)', '\(kept)')
            """)
    }

    /// Previously, only the numbers of plays and removed plays were compared, and both were unchanged: nothing was sent
    /// until the next day.
    @Test("One play taken out and another one put back between two syncs: both are told by the next one")
    func outAndBack() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: FacetPolicy(direction: .both)])
            try await test.play(1, at: "2024-01-01T20:00:00Z")
            try await test.play(2, at: "2024-02-01T20:00:00Z")
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            _ = try await test.pool.execute(Self.turn(1, 3), [])
            try await test.readEverything()
            try await test.sync()
            #expect(test.trakt.plays.map { $0.ids["trakt"].int } == [2])
            try await test.sync()
            try await test.letLagEnd()

            let before = try await test.store.playsVersion(of: test.user, until: QueueTest.deadline())
            _ = try await test.pool.execute(Self.turn(2, 1), [])
            let after = try await test.store.playsVersion(of: test.user, until: QueueTest.deadline())
            #expect(before != after)
            try await test.sync()
            #expect(test.trakt.plays.map { $0.ids["trakt"].int } == [1])
        }
    }

    @Test("The same plays have the same version, whatever became of them in between; nobody's have none")
    func same() async throws {
        try await SyncTest.run { test in
            func version() async throws -> Int64 {
                try await test.store.playsVersion(of: test.user, until: QueueTest.deadline())
            }
            #expect(try await version() == 0)
            try await test.play(1, at: "2024-01-01T20:00:00Z")
            try await test.play(2, at: "2024-02-01T20:00:00Z")
            let both = try await version()
            _ = try await test.pool.execute(Self.turn(1, 2), [])
            let one = try await version()
            _ = try await test.pool.execute(Self.turn(3, 1), [])
            #expect(one != both && one != 0)
            #expect(try await version() == both)
        }
    }
}
