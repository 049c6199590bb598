import Contracts
import Foundation
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
    private static let plays = TestForm.choose(300, full: 600)

    @Test(
        "Ambiguous replies again and again while plays are told: none is doubled, none is lost",
        .timeLimit(.minutes(6)))
    func ambiguous() async throws {
        var limits = SyncLimits()
        // As many looks as needed: the test does not wait for the next five minutes.
        limits.readsMax = 1_000_000
        try await SyncTest.run(limits: limits, queue: AmbiguousReplyTests.limits) { test in
            try await test.want([.history: Self.both])
            for number in 1...Self.plays { try await test.play(number, at: "2020-01-01T20:00:00Z") }
            test.trakt.behaveQuickly {
                $0.lostReplyPercent = 45
                $0.lostRequestPercent = 40
            }
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker().turn()
            let isDone = try await QueueTest.work([test.queueWorker()], within: .seconds(200)) {
                try await test.pool.query(QueueTest.waiting) == [0]
            }
            #expect(isDone)
            // Counted in the remote's book: calls answered with a proxy's page, whether performed or not.
            let book = test.upstreams.server.desk.book(provider: .trakt, after: 0)
            let told = book.entries.filter { $0.request.method == "POST" && $0.request.path == "/sync/history" }
            let ambiguous = told.count { $0.status == 502 || $0.status == 504 }
            print("ambiguous replies: \(ambiguous) of \(told.count) calls, book dropped \(book.droppedCount)")
            #expect(ambiguous >= Self.plays / 5 && book.droppedCount == 0, "\(ambiguous)")
            let run = try await test.run(id)
            #expect(run.done == Self.plays && run.failed == 0)
            #expect(test.trakt.plays.count == Self.plays)
            #expect(Set(test.trakt.plays.compactMap { $0.ids["trakt"].int }).count == Self.plays)
        }
    }

    @Test(
        "Lists that come damaged in eight ways, through the real reader: no run removes anything, anywhere",
        .timeLimit(.minutes(15)))
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
            // REELAY_STORM_ROUNDS=32 makes a thousand of them.
            let rounds = ProcessInfo.processInfo.environment["REELAY_STORM_ROUNDS"].flatMap { Int($0) } ?? 1
            var trials = 0
            for path in Array(repeating: paths, count: rounds).flatMap(\.self) {
                for damage in ListDamage.allCases {
                    trials += 1
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
            let after = try await books()
            #expect(after == before)
            let removed = zip(before, after).map { $0 - $1 }.reduce(0, +)
            print("damaged lists through the real reader: \(trials), removed \(removed)")
            try await test.readEverything()
            let run = try await test.sync()
            #expect(run.state == .done && run.changesHere == 0 && run.changesThere == 0)
        }
    }
}
