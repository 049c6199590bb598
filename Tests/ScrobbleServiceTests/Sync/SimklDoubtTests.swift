import Contracts
import Postgres
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Items that came and went there between two syncs, and emptied groups: believed once reported twice, a minute apart.
@Suite struct SimklDoubtTests {
    private typealias Setting = SimklSyncTests.Setting

    private static let asked = ["GET /sync/activities", "GET /sync/all-items since", "GET /sync/all-items/movies"]

    /// Rates `count` films on both sides.
    private static func agreed(_ count: Int, _ test: Setting) async throws {
        try await test.want([.ratings: FacetPolicy(direction: .both)])
        for number in 1...count { test.rateThere(number, 5) }
        try await test.sync()
        try await test.letLagEnd()
        try await test.sync()
        #expect(test.book.rated.count == count)
    }

    /// Runs a sync; returns its calls and its run.
    private static func sync(_ test: Setting) async throws -> (calls: [String], run: SyncRun) {
        let last = test.lastCall
        let run = try await test.sync()
        return (test.calls(after: last), run)
    }

    private static func passMinute(_ test: Setting) async throws {
        _ = try await test.pool.execute(
            PGCommand(
                "tests.minute",
                """
                UPDATE simkl_places SET stamps = jsonb_set(
                    stamps::jsonb, '{doubts,movies,since}', '"2026-01-01T00:00:00Z"')::text
                """), [])
    }

    @Test("What was put on a list there and taken off again is asked for twice, and then no more")
    func passedBy() async throws {
        try await SimklSyncTests.run { test in
            try await Self.agreed(3, test)
            test.rateThere(9, 5)
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 9)
            for _ in 0..<2 { #expect(try await Self.sync(test).calls == Self.asked) }
            try await Self.passMinute(test)
            #expect(try await Self.sync(test).calls == Self.asked)
            #expect(try await Self.sync(test).calls == ["GET /sync/activities"])
            #expect(test.book.rated == [1: 50, 2: 50, 3: 50])
            // What happens afterwards comes in.
            test.rateThere(2, 8)
            try await test.sync()
            #expect(test.book.rated == [1: 50, 2: 80, 3: 50])
        }
    }

    @Test("The last film of an account that leaves there leaves here, once that was said twice; then it is quiet")
    func lastOne() async throws {
        try await SimklSyncTests.run { test in
            try await Self.agreed(1, test)
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 1)
            for _ in 0..<2 {
                #expect(try await Self.sync(test).calls == Self.asked)
                #expect(test.book.rated == [1: 50], "one answer is not enough")
            }
            try await Self.passMinute(test)
            #expect(try await Self.sync(test).calls == Self.asked)
            #expect(test.book.rated.isEmpty)
            #expect(try await Self.sync(test).calls == ["GET /sync/activities"])
        }
    }

    @Test("An account that was emptied takes nothing here by itself: the brake asks")
    func emptied() async throws {
        try await SimklSyncTests.run { test in
            try await Self.agreed(5, test)
            test.simkl.pass(seconds: 2)
            for number in 1...5 { test.simkl.remove("demo-alice", number) }
            let first = try await Self.sync(test).run
            #expect(first.changesHere == 0 && first.held == 0 && test.book.rated.count == 5, "\(first)")
            try await Self.passMinute(test)
            // Many at once are read a second time.
            let later = [try await Self.sync(test).run, try await Self.sync(test).run]
            #expect(later.contains { $0.state == .held } && later.allSatisfy { $0.changesHere == $0.held }, "\(later)")
            #expect(test.book.rated.count == 5 && test.items.isEmpty)
        }
    }
}
