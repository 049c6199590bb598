import Contracts
import JSON
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Syncs under bad luck, counted in the emulated Trakt's own book.
@Suite(.serialized) struct SyncBadLuckTests {
    private static let both = FacetPolicy(direction: .both)

    @Test(
        "More than two thousand ambiguous replies while plays are told: none is doubled, none is lost",
        .timeLimit(.minutes(5)))
    func ambiguous() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            for number in 1...600 { try await test.play(number, at: "2020-01-01T20:00:00Z") }
            var behaviour = TraktAccounts.Behaviour()
            behaviour.writeMilliseconds = 0
            behaviour.lostReplyPercent = 45
            behaviour.lostRequestPercent = 40
            test.trakt.behave(behaviour)
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker().turn()
            let isDone = try await QueueTest.work([test.queueWorker()], within: .seconds(200)) {
                try await test.pool.query(QueueTest.waiting) == [0]
            }
            #expect(isDone)
            let run = try await test.run(id)
            #expect(run.done == 600 && run.failed == 0)
            #expect(test.trakt.plays.count == 600)
            #expect(Set(test.trakt.plays.compactMap { $0.ids["trakt"].int }).count == 600)
        }
    }

    @Test(
        "Lists that come damaged in eight ways, through the real reader: no run removes anything, anywhere",
        .timeLimit(.minutes(5)))
    func storm() async throws {
        var limits = SyncLimits()
        limits.readsMax = 1_000_000
        limits.retryAfter = .zero
        try await SyncTest.run(limits: limits) { test in
            try await test.want([
                .history: Self.both, .ratings: Self.both, .watchlist: Self.both, .collection: Self.both,
            ])
            let at = try #require(Timestamp("2024-05-06T07:08:09Z"))
            for number in 1...12 {
                test.book.rate(number, 50)
                try await test.list(number, .movie)
                try await test.collect(number, .movie, CollectionDetails(mediaType: "dvd"), at: at)
                try await test.play(100 + number, at: "2020-01-01T20:00:00Z")
            }
            try await test.sync()
            try await test.letLagEnd()
            func books() async throws -> [Int] {
                let plays = try await test.store.plays(of: test.user, until: QueueTest.deadline())
                return [
                    test.book.rated.count, try await test.listed().count, try await test.collected().count,
                    plays.count { !$0.isRemoved }, test.ratedThere.count, test.shelfThere("watchlist").count,
                    test.shelfThere("collection").count, test.trakt.plays.count,
                ]
            }
            let before = try await books()
            #expect(before == [12, 12, 12, 12, 12, 12, 12, 12])
            let paths = [
                "/sync/ratings/movies", "/sync/watchlist", "/sync/collection/movies", "/sync/history/movies",
            ]
            for path in paths {
                for damage in ListDamage.allCases {
                    test.trakt.damage(path, by: damage)
                    try await test.readEverything()
                    let id = try await test.store.open(
                        test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline())
                    await test.worker().turn()
                    if let id {
                        let run = try await test.run(id)
                        #expect(run.changesHere == 0 && run.changesThere == 0, "\(damage) of \(path)")
                    }
                    try await test.endRuns()
                }
            }
            test.trakt.damage("", by: nil)
            #expect(try await books() == before)
            try await test.readEverything()
            let run = try await test.sync()
            #expect(run.state == .done && run.changesHere == 0 && run.changesThere == 0)
        }
    }
}
