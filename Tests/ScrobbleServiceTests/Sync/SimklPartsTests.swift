import Contracts
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Libraries at the emulated Simkl that are longer than a single answer of it.
@Suite struct SimklPartsTests {
    private typealias Setting = SimklSyncTests.Setting

    /// Adds seven films, with no list longer than four.
    private static func fill(_ test: Setting) async throws {
        let both = FacetPolicy(direction: .both)
        try await test.want([.ratings: both, .watchlist: both])
        for number in 1...4 { test.rateThere(number, 5) }
        for number in 5...6 { test.there(number) { $0.status = "plantowatch" } }
        test.there(7) { ($0.status, $0.rating, $0.ratedAt) = ("dropped", 6, "2026-01-01T00:00:00Z") }
        test.simkl.behave { $0.itemsMax = 4 }
    }

    @Test("What is too long comes list by list; what goes from list to list meanwhile is not missed")
    func first() async throws {
        try await SimklSyncTests.run { test in
            try await Self.fill(test)
            test.simkl.behave { $0.itemsMax = 1 }
            let refused = try await test.sync()
            #expect(refused.state == .failed, "\(refused)")
            #expect(try await test.listed().isEmpty && test.book.rated.isEmpty)
            // In between, one moves from the list read last to the one read first.
            test.simkl.behave {
                $0.itemsMax = 4
                $0.moving = [4: "plantowatch"]
            }
            let before = test.lastCall
            let run = try await test.sync()
            #expect(run.state == .done && run.failed == 0 && run.changesThere == 0, "\(run)")
            #expect(test.book.rated == [1: 50, 2: 50, 3: 50, 4: 50, 7: 60])
            #expect(try await test.listed() == [4, 5, 6, 7])
            #expect(
                test.calls(after: before) == [
                    "GET /sync/activities", "GET /sync/all-items/shows", "GET /sync/all-items/anime",
                    "GET /sync/all-items/movies", "GET /sync/all-items/movies/plantowatch",
                    "GET /sync/all-items/movies/dropped", "GET /sync/all-items/movies/completed",
                    "GET /sync/all-items/movies since",
                ])
        }
    }

    @Test("An answer of more bytes than are read is asked for list by list too")
    func bytes() async throws {
        try await SimklSyncTests.run { test in
            try await Self.fill(test)
            test.simkl.behave { $0.itemsMax = 100 }
            _ = test.upstreams.server.desk.add(
                Fault(
                    provider: .simkl, kind: .oversized, path: "/sync/all-items/movies", times: 1,
                    bytes: SimklLimits.bodyBytesMax + 1_024))
            let run = try await test.sync()
            #expect(run.state == .done, "\(run)")
            #expect(test.book.rated == [1: 50, 2: 50, 3: 50, 4: 50, 7: 60])
        }
    }

    @Test("Changes that are too many come in parts too, with the same place to begin at")
    func changes() async throws {
        try await SimklSyncTests.run { test in
            try await Self.fill(test)
            try await test.sync()
            try await test.letLagEnd()
            try await test.sync()
            for number in 1...4 { test.rateThere(number, 9) }
            for number in 8...9 { test.there(number) { $0.status = "plantowatch" } }
            let before = test.lastCall
            let run = try await test.sync()
            #expect(run.state == .done, "\(run)")
            #expect(test.book.rated == [1: 90, 2: 90, 3: 90, 4: 90, 7: 60])
            #expect(try await test.listed() == [5, 6, 7, 8, 9])
            let calls = test.calls(after: before)
            #expect(calls.contains("GET /sync/all-items/movies/completed since"), "\(calls)")
            #expect(calls.dropFirst().allSatisfy { $0.hasSuffix(" since") }, "\(calls)")
        }
    }

    @Test("Of numbers list by list nothing has left where one list fails, or where one title went to another meanwhile")
    func removals() async throws {
        try await SimklSyncTests.run { test in
            try await Self.fill(test)
            try await test.sync()
            try await test.letLagEnd()
            try await test.sync()
            let rated = test.book.rated
            #expect(rated == [1: 50, 2: 50, 3: 50, 4: 50, 7: 60])
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 1)
            _ = test.upstreams.server.desk.add(
                Fault(provider: .simkl, kind: .status, path: "/sync/all-items/movies/completed", status: 500))
            let failed = try await test.sync()
            #expect(failed.state == .failed && test.book.rated == rated, "\(failed)")
            test.upstreams.server.desk.clearFaults(.simkl)

            test.simkl.behave { $0.moving = [2: "plantowatch"] }
            let moved = try await test.sync()
            #expect(moved.state == .done && moved.changesHere == 0 && test.book.rated == rated, "\(moved)")

            let last = try await test.sync()
            #expect(last.state == .done, "\(last)")
            #expect(test.book.rated == [2: 50, 3: 50, 4: 50, 7: 60], "only what left there leaves here")
            #expect(try await test.listed() == [2, 5, 6, 7])
        }
    }
}
