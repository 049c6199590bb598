import Contracts
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Titles on hold, dropped or no longer wanted, here and at the emulated Simkl.
@Suite struct SimklStatusTests {
    private typealias Setting = SimklSyncTests.Setting
    private static let both = FacetPolicy(direction: .both)

    private static func put(_ number: Int, _ status: WishStatus, _ test: Setting) async throws {
        let item = ShelfItem(
            title: NeighbourBook.title(number), kind: number >= 600_000_000 ? .series : .movie,
            at: SystemWallClock().now, details: WatchlistDetails(status: status))
        _ = try await test.shelves.put(
            [item], by: .person(test.user, at: SystemWallClock().now), until: QueueTest.deadline())
    }

    private static func takeOff(_ numbers: [Int], _ test: Setting) async throws {
        let now = SystemWallClock().now
        _ = try await test.shelves.remove(
            numbers.map { NeighbourBook.title($0) }, as: WatchlistDetails.self, at: now,
            by: .person(test.user, at: now),
            until: QueueTest.deadline())
    }

    /// Runs a sync some time after the previous one, so that nothing lags; then another one that finds nothing to do.
    @discardableResult
    private static func settle(_ test: Setting) async throws -> SyncRun {
        try await test.letLagEnd()
        let run = try await test.sync()
        try await test.letLagEnd()
        let next = try await test.sync()
        #expect(next.changesHere == 0 && next.changesThere == 0, "\(next)")
        return run
    }

    private static func shows(_ test: Setting) throws -> [Int] {
        let shows = test.upstreams.server.catalogue.titles.filter { $0.kind == .series && !$0.isAnime }
        try #require(shows.count >= 3)
        return shows.prefix(3).compactMap(\.simkl)
    }

    @Test("On hold and dropped travel both ways, once; what is watched again is neither")
    func bothWays() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.watchlist: Self.both])
            let shows = try Self.shows(test)
            test.there(shows[0]) { ($0.status, $0.episodes) = ("watching", ["1x1": "2025-01-02T03:04:05Z"]) }
            test.there(shows[1]) { ($0.status, $0.lastWatchedAt) = ("completed", "2025-01-02T03:04:05Z") }
            try await Self.settle(test)
            #expect(try await test.statuses().isEmpty)

            // From here: a title being watched there is dropped, a completed one is not.
            try await Self.put(shows[0], .dropped, test)
            try await Self.put(shows[1], .dropped, test)
            try await Self.put(shows[2], .onHold, test)
            try await Self.put(1, .onHold, test)
            try await Self.put(2, .dropped, test)
            let run = try await Self.settle(test)
            #expect(run.failed == 0 && run.changesThere == 4 && run.changesHere == 0, "\(run)")
            #expect(
                test.items.mapValues(\.status) == [
                    shows[0]: "dropped", shows[1]: "completed", shows[2]: "hold", 1: "plantowatch", 2: "dropped",
                ], "a film is not laid aside there")
            #expect(test.items[shows[0]]?.episodes == ["1x1": "2025-01-02T03:04:05Z"])
            try await Self.put(shows[0], .onHold, test)
            try await Self.put(2, .planToWatch, test)
            try await Self.settle(test)
            #expect(test.items[shows[0]]?.status == "hold" && test.items[2]?.status == "plantowatch")
            #expect(try await test.statuses()[1] == .onHold, "what a film is here stays so")

            // From there.
            test.there(shows[0]) { $0.status = "dropped" }
            test.there(shows[2]) { $0.status = "plantowatch" }
            test.there(2) { $0.status = "dropped" }
            test.there(3) { $0.status = "dropped" }
            let second = try await Self.settle(test)
            #expect(second.changesHere == 4 && second.changesThere == 0, "\(second)")
            #expect(
                try await test.statuses() == [
                    shows[0]: .dropped, shows[1]: .dropped, shows[2]: .planToWatch, 1: .onHold, 2: .dropped,
                    3: .dropped,
                ])
            test.there(shows[0]) { ($0.status, $0.episodes["1x2"]) = ("watching", "2026-11-20T20:00:00Z") }
            try await Self.settle(test)
            #expect(try await test.statuses()[shows[0]] == nil && test.items[shows[0]]?.status == "watching")
        }
    }

    @Test("What was laid aside or given up here before both met is no wish again because it is planned there later")
    func firstMeeting() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.watchlist: Self.both])
            let show = try Self.shows(test)[0]
            try await Self.put(1, .dropped, test)
            try await Self.put(show, .onHold, test)
            // So much later that it would win a conflict.
            test.simkl.pass(seconds: 600)
            for number in [1, show] { test.there(number) { $0.status = "plantowatch" } }
            let run = try await Self.settle(test)
            #expect(run.changesHere == 0 && run.changesThere == 0 && run.state == .done, "\(run)")
            #expect(try await test.statuses() == [1: .dropped, show: .onHold])
            #expect(test.items.mapValues(\.status) == [1: "plantowatch", show: "plantowatch"])
            // Until one side gets another value.
            try await Self.put(1, .planToWatch, test)
            test.there(show) { $0.status = "dropped" }
            try await Self.settle(test)
            #expect(try await test.statuses() == [1: .planToWatch, show: .dropped])
            #expect(test.items.mapValues(\.status) == [1: "plantowatch", show: "dropped"])
        }
    }

    @Test("A wish that is taken off here leaves there, unless more would go along; what was watched goes back to that")
    func takenOff() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.watchlist: Self.both])
            let show = try Self.shows(test)[0]
            for number in 1...9 { try await Self.put(number, .planToWatch, test) }
            test.there(show) { ($0.status, $0.episodes) = ("hold", ["1x1": "2025-01-02T03:04:05Z"]) }
            test.there(20) { ($0.status, $0.lastWatchedAt) = ("dropped", "2025-01-02T03:04:05Z") }
            test.there(21) { ($0.status, $0.rating) = ("plantowatch", 8) }
            try await Self.settle(test)
            #expect(try await test.listed() == Set(Array(1...9) + [show, 20, 21]))
            try await Self.takeOff([1, show, 20, 21], test)
            let run = try await Self.settle(test)
            #expect(run.failed == 0 && run.changesThere == 3, "\(run)")
            #expect(test.items[1] == nil && test.items[2]?.status == "plantowatch")
            #expect(test.items[show]?.status == "watching" && test.items[show]?.episodes.count == 1)
            #expect(
                test.items[20]?.status == "completed" && test.items[20]?.lastWatchedAt == "2025-01-02T03:04:05Z")
            #expect(test.items[21]?.status == "plantowatch" && test.items[21]?.rating == 8)
            #expect(try await test.listed() == Set(2...9), "and none comes back")
        }
    }

    @Test("The last wish that is taken off does not come back, though the list without it looks like no answer")
    func lastOne() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.watchlist: Self.both])
            test.there(1) { $0.status = "plantowatch" }
            try await Self.settle(test)
            #expect(try await test.listed() == [1])
            try await Self.takeOff([1], test)
            try await test.sync()
            for _ in 0..<3 {
                try await test.letLagEnd()
                let run = try await test.sync()
                #expect(run.changesHere == 0 && run.changesThere == 0, "\(run)")
            }
            #expect(test.items.isEmpty)
            #expect(try await test.listed().isEmpty)
        }
    }

    @Test("Removals are told only where their person wants that, and many at once wait for a word")
    func guarded() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.watchlist: FacetPolicy(direction: .both, deletes: false)])
            for number in 1...30 { try await Self.put(number, .planToWatch, test) }
            try await Self.settle(test)
            try await Self.takeOff(Array(1...20), test)
            try await Self.settle(test)
            #expect(test.items.count == 30)
            try await test.want([.watchlist: Self.both])
            try await Self.takeOff([21], test)
            try await test.letLagEnd()
            let run = try await test.sync()
            #expect(run.state == .held && run.held == 21 && run.done == 0, "\(run)")
            #expect(test.items.count == 30)
        }
    }
}
