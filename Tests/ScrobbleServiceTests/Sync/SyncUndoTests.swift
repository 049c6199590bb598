import Contracts
import JSON
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Undoing a sync on both sides; automatic syncs; days in the person's own time zone.
@Suite struct SyncUndoTests {
    private static let both = FacetPolicy(direction: .both)

    /// Undoes a run as the service does, except for ratings, which belong to another service; returns the counts.
    private static func undo(_ run: SyncRun, _ test: SyncTest) async throws -> SyncUndo.Count {
        let undoing = test.undoing
        let deadline = QueueTest.deadline()
        try await test.batches.advance(
            run.id, of: test.user, to: .undoing, at: SystemWallClock().now, until: deadline)
        #expect(try await undoing.mayBegin(test.lane, until: deadline))
        var place: TouchedItem?
        repeat {
            place = try await test.batches.undoSome(
                of: run.id, test.user, after: place, at: SystemWallClock().now, until: deadline)
        } while place != nil
        while try await !undoing.finish(run.id, test.lane, until: QueueTest.deadline()) { try await test.deliver() }
        try await test.batches.advance(
            run.id, of: test.user, to: .undone, at: SystemWallClock().now, until: deadline)
        return try await undoing.count(of: run.id, test.user, until: deadline)
    }

    @Test("A sync that is taken back leaves both sides as they were, and the next ones do not put them right")
    func both() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both, .watchlist: Self.both, .collection: Self.both])
            try await test.list(1, .movie)
            try await test.there("sync/watchlist", #"{"movies":[{"ids":{"trakt":2}}]}"#)
            try await test.play(3, at: "2024-01-01T20:00:00Z")
            try await test.there(
                "sync/history", #"{"movies":[{"ids":{"trakt":4},"watched_at":"2024-02-02T20:00:00Z"}]}"#)
            let at = try #require(Timestamp("2024-05-06T07:08:09Z"))
            try await test.collect(5, .movie, CollectionDetails(mediaType: "dvd"), at: at)
            try await test.there("sync/collection", #"{"movies":[{"ids":{"trakt":5},"media_type":"bluray"}]}"#)
            let run = try await test.sync()
            #expect(run.state == .done && run.failed == 0)
            #expect(test.trakt.plays.count == 2)

            let preview = try await test.undoing.preview(of: run.id, test.user, until: QueueTest.deadline())
            #expect(preview.kept.isEmpty && preview.restored >= 2)
            let count = try await Self.undo(run, test)
            #expect(count.restored == preview.restored && count.waiting == 0 && count.kept.isEmpty)
            func expectAsBefore(_ moment: String) async throws {
                #expect(try await test.listed() == [1], "\(moment)")
                #expect(test.shelfThere("watchlist") == ["movie 2"], "\(moment)")
                let here = try await test.store.plays(of: test.user, until: QueueTest.deadline())
                #expect(here.filter { !$0.isRemoved }.map { NeighbourBook.number($0.title) } == [3], "\(moment)")
                #expect(test.trakt.plays.compactMap { $0.ids["trakt"].int } == [4], "\(moment)")
                #expect(try await test.collected()[5]?.details.mediaType == "dvd", "\(moment)")
                let there = test.trakt.row("collection", "movie", "5", of: test.account)
                #expect(there?["metadata"]["media_type"].string == "bluray", "\(moment)")
            }
            try await expectAsBefore("taken back")
            for round in 0..<3 {
                try await test.letLagEnd()
                try await test.readEverything()
                let again = try await test.sync()
                #expect(again.changesHere == 0 && again.changesThere == 0, "round \(round)")
                try await expectAsBefore("round \(round)")
            }
            // A new wish counts as one again.
            try await test.collect(5, .movie, CollectionDetails(mediaType: "vhs"), at: at)
            try await test.sync()
            #expect(
                test.trakt.row("collection", "movie", "5", of: test.account)?["metadata"]["media_type"].string == "vhs")
        }
    }

    @Test("What was edited over there since keeps the edit and is named; what has not left the queue never leaves")
    func edited() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            for number in 1...3 { test.book.rate(number, 50) }
            let run = try await test.sync()
            #expect(test.ratedThere == [1: 5, 2: 5, 3: 5])
            try await test.letLagEnd()
            try await test.rateThere([2: 9])
            try await test.sync()
            #expect(test.book.rated[2] == 90)
            let count = try await Self.undo(run, test)
            #expect(count.kept.map { NeighbourBook.number($0.change.title) } == [2] && count.restored == 2)
            #expect(test.ratedThere == [2: 9])

            test.book.rate(4, 70)
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker().turn()
            _ = try await Self.undo(try await test.run(id), test)
            #expect(test.ratedThere == [2: 9])
            #expect(try await test.pool.query(QueueTest.waiting) == [0])
        }
    }

    @Test("While a sync is being taken back no plan is kept that was read before")
    func meanwhile() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .watchlist: Self.both])
            try await test.list(1, .movie)
            let run = try await test.sync()
            try await test.batches.advance(
                run.id, of: test.user, to: .undoing, at: SystemWallClock().now, until: QueueTest.deadline())
            try await test.list(2, .movie)
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker().turn()
            let waiting = try await test.run(id)
            #expect(waiting.state == .reading && waiting.changesThere == 0)
        }
    }

    // MARK: By itself

    @Test("An account is asked by itself once in a while, by one replica, for one call; an idle run leaves no trace")
    func background() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            test.book.rate(1, 50)
            async let one: Void = test.worker().poll()
            async let other: Void = test.worker().poll()
            _ = await (one, other)
            await test.worker().turn()
            try await test.deliver()
            #expect(test.ratedThere == [1: 5])
            let runs = try await test.runs()
            #expect(runs.count == 1)
            try await test.letLagEnd()
            await test.worker().poll()
            #expect(await test.worker().turn() == 0, "not again for half an hour")
            for round in 0..<2 {
                try await test.letPollsBeDue()
                let before = test.lastCall
                await test.worker().poll()
                #expect(await test.worker().turn() == 1)
                if round == 1 { #expect(test.calls(after: before) == ["GET /sync/last_activities"]) }
                try await test.letLagEnd()
            }
            #expect(try await test.runs().count == 1)
        }
    }

    @Test("Whoever has switched everything off, paused, or done nothing for two weeks is not asked for")
    func asleep() async throws {
        try await SyncTest.run { test in
            func runs() async throws -> Int {
                try await test.letPollsBeDue()
                await test.worker().poll()
                return try await test.runs().count
            }
            try await test.want([.history: .off])
            #expect(try await runs() == 0, "everything is off")
            try await test.want([.history: Self.both])
            try await test.setPaused(true)
            #expect(try await runs() == 0, "paused")
            try await test.setPaused(false)
            _ = try await test.pool.execute(
                PGCommand("tests.old", "UPDATE scrobble_connections SET connected_at = now() - interval '3 weeks'"), [])
            #expect(try await runs() == 0, "asleep")
            try await test.play(1, at: SystemWallClock().now.advanced(by: .seconds(-86_400)).description)
            #expect(try await runs() == 1, "awake")
        }
    }

    // MARK: Days

    @Test("A play of the evening is that of its day where the person lives, though it is another day in Greenwich")
    func days() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            try await test.connections.change(
                test.lane, ConnectionStore.Change(timeZone: "America/Los_Angeles"), at: SystemWallClock().now,
                until: QueueTest.deadline())
            let day = try #require(CalendarDate("2026-03-01"))
            _ = try await test.ledger.add(
                LedgerStore.Arrival(
                    user: test.user, timeZone: "UTC", batch: nil, at: SystemWallClock().now, isByHand: false,
                    plays: [
                        IncomingPlay(
                            title: NeighbourBook.title(1), kind: .movie, moment: .day(day), percent: nil,
                            runtimeMinutes: 100, source: PlaySource(name: "diary", key: "1"))
                    ], telling: false), until: QueueTest.deadline())
            // Half past eight in the evening in the person's time zone.
            try await test.there(
                "sync/history", #"{"movies":[{"ids":{"trakt":1},"watched_at":"2026-03-02T04:30:00Z"}]}"#)
            let run = try await test.sync()
            #expect(run.changesHere == 0 && run.changesThere == 0)
            #expect(test.trakt.plays.count == 1)
        }
    }

    @Test("Two titles that turn out to be one are synced as one, and nothing is taken away for it")
    func merged() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both, .watchlist: Self.both])
            try await test.list(1, .movie)
            try await test.play(2, at: "2024-01-01T20:00:00Z")
            for _ in 0..<2 {
                try await test.sync()
                try await test.letLagEnd()
                try await test.readEverything()
            }
            let refs = TitleRefStore(database: Database(pool: test.pool))
            let moves = [1, 2].map {
                TitleRedirect(
                    number: $0, old: NeighbourBook.title($0), new: NeighbourBook.title(900 + $0),
                    mergedAt: SystemWallClock().now)
            }
            try await refs.apply(moves, until: QueueTest.deadline())
            for _ in 0..<2 {
                try await test.readEverything()
                let run = try await test.sync()
                #expect(run.changesHere == 0 && run.changesThere == 0)
                try await test.letLagEnd()
            }
            #expect(test.shelfThere("watchlist") == ["movie 1"] && test.trakt.plays.count == 1)
        }
    }
}
