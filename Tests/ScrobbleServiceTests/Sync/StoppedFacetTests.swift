import Contracts
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Accounts that hold no more of something, or lack what it needs.
@Suite struct StoppedFacetTests {
    private static let both = FacetPolicy(direction: .both)

    private static func room(_ count: Int, _ test: SyncTest) {
        var behaviour = TraktAccounts.Behaviour()
        behaviour.writeMilliseconds = 0
        behaviour.shelfMax = count
        test.trakt.behave(behaviour)
    }

    private static func view(_ test: SyncTest) async throws -> ConnectionView {
        let stored = try await test.connections.list(of: test.user, until: QueueTest.deadline())
        let stops = try await test.connections.stops(of: test.user, until: QueueTest.deadline())
        return ConnectionView(.trakt, stored.first { $0.provider == .trakt }, stops, isAvailable: true)
    }

    private static func goOn(_ test: SyncTest) async throws {
        try await test.connections.change(
            test.lane, ConnectionStore.Change(isPaused: false), at: SystemWallClock().now, until: QueueTest.deadline())
    }

    private static func writes(_ test: SyncTest, after sequence: Int) -> Int {
        test.calls(after: sequence).count { $0 == "POST /sync/watchlist" }
    }

    /// The whole connection stopped, scrobbles included, and met the same again as soon as its person let it go on.
    @Test("A full watchlist stops the watchlist: its person is told, all else goes on, and it too once there is room")
    func full() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both, .ratings: Self.both, .watchlist: Self.both])
            Self.room(3, test)
            for number in 11...15 { try await test.list(number, .movie) }
            test.book.rate(1, 80)
            test.book.rate(2, 60)
            try await test.play(21, at: "2024-01-01T20:00:00Z")
            let run = try await test.sync()
            #expect(run.state == .done && run.done == 3 && run.failed == 5)
            #expect(test.ratedThere == [1: 8, 2: 6] && test.trakt.plays.count == 1)
            #expect(test.shelfThere("watchlist").isEmpty && Self.writes(test, after: 0) == 1)
            let view = try await Self.view(test)
            #expect(view.state == .connected && view.stopped?.map(\.facet) == [.watchlist])
            #expect(view.stopped?.first?.cause == .accountLimit && view.stopped?.first?.retryAt != nil)
            #expect(try await test.pool.query(QueueTest.faults) == [0])

            // While it stands still nothing is added there; everything else is.
            let before = test.lastCall
            try await test.scrobble(31)
            test.book.rate(1, 70)
            try await test.there("sync/watchlist", #"{"movies":[{"ids":{"trakt":41}}]}"#)
            let written = Self.writes(test, after: before)
            let second = try await test.sync()
            #expect(second.state == .done && second.changesHere == 1 && second.reason?.contains("watchlist") == true)
            #expect(Self.writes(test, after: before) == written && test.ratedThere[1] == 7)
            #expect(test.trakt.plays.count == 2)
            #expect(try await test.listed() == [11, 12, 13, 14, 15, 41])

            // The person has made room there, and says so.
            Self.room(1_000, test)
            try await Self.goOn(test)
            #expect(try await Self.view(test).stopped == nil)
            try await test.sync()
            #expect(test.shelfThere("watchlist").count == 6)
            #expect(try await test.connections.stops(of: test.user, until: QueueTest.deadline()).isEmpty)
        }
    }

    @Test("Nobody does anything: it is tried again a day later, once, and stands still again where nothing has changed")
    func byItself() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .watchlist: Self.both])
            Self.room(1, test)
            for number in 11...13 { try await test.list(number, .movie) }
            try await test.sync()
            let first = test.lastCall
            try await test.sync()
            #expect(Self.writes(test, after: first) == 0)
            for isRoomy in [false, true] {
                if isRoomy { Self.room(1_000, test) }
                _ = try await test.pool.execute(
                    PGCommand("tests.day", "UPDATE facet_stops SET retry_at = retry_at - interval '1 day'"), [])
                let before = test.lastCall
                try await test.sync()
                try await test.sync()
                #expect(Self.writes(test, after: before) == 1)
                #expect(try await Self.view(test).stopped?.count == (isRoomy ? nil : 1))
            }
            #expect(test.shelfThere("watchlist").count == 3)
        }
    }

    @Test("What is taken off here makes room there: the next sync tries")
    func room() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .watchlist: Self.both])
            Self.room(5, test)
            for number in 1...2 { try await test.list(number, .movie) }
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            for number in 11...14 { try await test.list(number, .movie) }
            try await test.sync()
            #expect(test.shelfThere("watchlist").count == 2)
            try await test.unlist([1])
            // It is removed there although nothing is added.
            try await test.sync()
            #expect(test.shelfThere("watchlist").count == 1)
            try await test.sync()
            #expect(test.shelfThere("watchlist").count == 5)
        }
    }

    @Test("What waits of the same facet is not tried one by one; what waits of another is delivered")
    func parked() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both, .watchlist: Self.both, .ratings: Self.both])
            Self.room(0, test)
            func job(_ action: JobAction, _ number: Int, rating: Int? = nil) -> NewJob {
                NewJob(
                    id: SystemIDSource().next(), lane: test.lane, urgency: .live, kind: .movie,
                    title: NeighbourBook.title(number), action: action, payload: JobPayload(rating: rating),
                    fingerprint: "\(action.rawValue) \(number)")
            }
            var jobs = (1...30).map { job(.addToWatchlist, $0) }
            jobs.append(job(.rate, 40, rating: 8))
            try await test.queue.enqueue(jobs, until: QueueTest.deadline())
            try await test.deliver()
            #expect(Self.writes(test, after: 0) == 1)
            #expect(test.ratedThere == [40: 8])
            #expect(try await QueueTest.outcomes(test.pool) == ["cancelled: account_limit": 30, "done: delivered": 1])
            #expect(try await test.pool.query(QueueTest.faults) == [0])
        }
    }

    @Test("What the account has no right to (426) is not asked again for a day, and everything else is synced")
    func vip() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both, .collection: Self.both])
            test.book.rate(1, 80)
            _ = test.upstreams.server.desk.add(
                Fault(provider: .trakt, kind: .status, path: "/sync/collection", status: 426))
            let run = try await test.sync()
            #expect(run.state == .done && run.reason?.contains("426") == true && test.ratedThere == [1: 8])
            let view = try await Self.view(test)
            #expect(view.state == .connected && view.stopped?.map(\.cause) == [.vipRequired])
            let before = test.lastCall
            try await test.sync()
            #expect(!test.calls(after: before).contains { $0.contains("collection") })
            // Switched off, it is no matter any more.
            try await test.want([.collection: .off])
            #expect(try await Self.view(test).stopped == nil)
        }
    }
}
