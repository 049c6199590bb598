import Contracts
import JSON
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Whole syncs: a real Postgres, the emulated Trakt, and what both have afterwards.
@Suite struct SyncEngineTests {
    private static let both = FacetPolicy(direction: .both)

    @Test("Ratings: a dry run shows and changes nothing; the first sync adds on both sides; the second costs one call")
    func ratings() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            test.book.rate(1, 85)
            test.book.rate(2, 60)
            try await test.rateThere([2: 6, 3: 9])

            let dry = try await test.sync(dry: true)
            #expect(dry.state == .done && dry.changesHere == 1 && dry.changesThere == 1)
            #expect(try await test.changes(dry).allSatisfy { $0.state == .dry })
            #expect(test.book.rated == [1: 85, 2: 60] && test.ratedThere == [2: 6, 3: 9])

            let first = try await test.sync()
            #expect(first.state == .done && first.done == 2 && first.failed == 0)
            #expect(test.book.rated == [1: 85, 2: 60, 3: 90])
            // 8.5 is 9 there, which is no change.
            #expect(test.ratedThere == [1: 9, 2: 6, 3: 9])

            _ = try await test.sync()
            try await test.letLagEnd()
            let before = test.lastCall
            let idle = try await test.sync()
            #expect(idle.changesHere == 0 && idle.changesThere == 0)
            #expect(test.calls(after: before) == ["GET /sync/last_activities"])
            #expect(test.book.rated[1] == 85)
        }
    }

    @Test("Changed here, changed there, removed here, removed there: each side gets what the other did")
    func changes() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            for number in 1...6 { test.book.rate(number, 50) }
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            test.book.rate(1, 70)
            test.book.rate(2, nil)
            try await test.rateThere([3: 8])
            try await test.there("sync/ratings/remove", #"{"movies":[{"ids":{"trakt":4}}]}"#)
            let run = try await test.sync()
            #expect(run.state == .done && run.done == 4)
            #expect(test.book.rated == [1: 70, 3: 80, 5: 50, 6: 50])
            #expect(test.ratedThere == [1: 7, 3: 8, 5: 5, 6: 5])
        }
    }

    @Test("A conflict that asks changes nothing until its person decides, then does what was decided")
    func conflicts() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: FacetPolicy(direction: .both, conflicts: .ask)])
            test.book.rate(1, 50)
            try await test.sync()
            try await test.letLagEnd()
            let now = SystemWallClock().now
            test.book.rate(1, 70, at: now)
            try await test.rateThere([1: 3], at: now.description)
            let run = try await test.sync()
            #expect(run.conflicts == 1 && run.changesHere == 0 && run.changesThere == 0)
            #expect(test.book.rated == [1: 70] && test.ratedThere == [1: 3])
            // Met again, but listed once.
            try await test.sync()
            let open = try await test.store.clashes(
                of: test.user, isOpen: true, after: .newest, limit: 10, until: QueueTest.deadline())
            let conflict = try #require(open.first)
            #expect(open.count == 1 && conflict.ours == "7" && conflict.theirs == "3" && conflict.base == "5")
            #expect(
                try await test.store.resolve(
                    conflict.id, of: UserID(SystemIDSource().next()), keeping: .ours, at: now,
                    until: QueueTest.deadline())
                    == nil, "somebody else's")
            #expect(
                try await test.store.resolve(
                    conflict.id, of: test.user, keeping: .theirs, at: now, until: QueueTest.deadline()) == .trakt)
            try await test.sync()
            #expect(test.book.rated == [1: 30] && test.ratedThere == [1: 3])
        }
    }

    @Test("History: every play both ways, at its minute, once; a scrobble that is known by both is one play")
    func history() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            let at = try #require(Timestamp("2026-03-01T20:00:31Z"))
            func arrive(_ number: Int, _ moment: Timestamp) async throws {
                _ = try await test.ledger.add(
                    LedgerStore.Arrival(
                        user: test.user, timeZone: "UTC", batch: nil, at: moment, isByHand: false,
                        plays: [
                            IncomingPlay(
                                title: NeighbourBook.title(number), kind: .movie,
                                moment: .second(moment, day: moment.date),
                                percent: nil, runtimeMinutes: 100,
                                source: PlaySource(name: "file", key: "\(number) \(moment)"))
                        ], telling: false), until: QueueTest.deadline())
            }
            try await arrive(1, at)
            try await arrive(2, at)
            try await arrive(2, at.advanced(by: .seconds(86_400)))
            try await test.there(
                "sync/history",
                #"{"movies":[{"ids":{"trakt":2},"watched_at":"2026-03-01T20:02:00.000Z"},{"ids":{"trakt":3},"watched_at":"2026-03-05T10:00:00.000Z"},{"ids":{"trakt":3},"watched_at":"2026-03-06T10:00:00.000Z"}]}"#
            )
            let run = try await test.sync()
            #expect(run.state == .done && run.changesHere == 2 && run.changesThere == 2 && run.failed == 0)
            try await Self.expectBooksAgree(test, count: 5)
            for _ in 0..<2 {
                try await test.letLagEnd()
                let again = try await test.sync()
                #expect(again.changesHere == 0 && again.changesThere == 0)
                try await Self.expectBooksAgree(test, count: 5)
            }
        }
    }

    private static let statuses = PGStatement("tests.statuses", "SELECT status FROM scrobble_queue") {
        row throws(PGError) in try row.next(String.self)
    }

    @Test(
        "A play that a reading shows there leaves the queue, whether it waits to be sent or to be looked for: it is there once",
        arguments: [false, true])
    func shownMeanwhile(sent: Bool) async throws {
        var limits = QueueTest.quick
        limits.firstLook = .seconds(3_600)
        try await SyncTest.run(queue: limits) { test in
            try await test.want([.history: Self.both])
            try await test.play(1, at: "2024-01-01T20:00:00Z")
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker().turn()
            #expect(try await test.pool.query(Self.statuses) == ["pending"])
            if sent {
                test.trakt.behaveQuickly { $0.lostReplyPercent = 100 }
                let isSent = try await QueueTest.work([test.queueWorker()]) {
                    try await test.pool.query(Self.statuses) == ["verify"]
                }
                #expect(isSent)
            } else {
                // Reported by another road.
                try await test.there(
                    "sync/history", #"{"movies":[{"ids":{"trakt":1},"watched_at":"2024-01-01T20:02:00.000Z"}]}"#)
            }
            #expect(test.trakt.plays.count == 1)
            test.trakt.behave(TraktAccounts.Behaviour())
            let run = try await test.sync()
            #expect(run.state == .done && run.changesHere == 0 && run.changesThere == 0)
            #expect(try await test.pool.query(QueueTest.waiting) == [0])
            #expect(try await test.pool.query(QueueTest.faults) == [0])
            #expect(test.trakt.plays.count == 1)
            let told = try await test.changes(try await test.run(id))
            #expect(told.map(\.state) == [sent ? .done : .skipped] && told.first?.reason == "both have it already")
        }
    }

    @Test("A play of today that came just now waits: a player may have told Trakt by another road")
    func justNow() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            try await test.play(1, at: SystemWallClock().now.advanced(by: .seconds(-3_600)).description)
            func came(_ when: String) async throws {
                _ = try await test.pool.execute(
                    PGCommand("tests.came \(when)", "UPDATE plays SET created_at = \(when)"), [])
            }
            try await came("now()")
            let early = try await test.sync()
            #expect(early.changesThere == 0 && test.trakt.plays.isEmpty)
            try await came("now() - interval '10 minutes'")
            // Nothing has moved since, but it is sent all the same.
            let later = try await test.sync()
            #expect(later.done == 1 && test.trakt.plays.count == 1)
        }
    }

    @Test("A play removed there is removed here, one removed here is removed there, and only that one")
    func removedPlays() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            try await test.there(
                "sync/history",
                #"{"movies":[{"ids":{"trakt":2},"watched_at":"2026-03-01T20:02:00.000Z"},{"ids":{"trakt":2},"watched_at":"2026-04-01T20:02:00.000Z"},{"ids":{"trakt":3},"watched_at":"2026-03-05T10:00:00.000Z"}]}"#
            )
            try await test.sync()
            try await test.letLagEnd()
            let plays = try await test.store.plays(of: test.user, until: QueueTest.deadline())
            let here = try #require(
                plays.first { NeighbourBook.number($0.title) == 2 && $0.moment.listedAt.description.contains("-03-") })
            let writer = LedgerWriter(
                user: test.user, source: "manual", batch: nil, at: SystemWallClock().now, authority: .person)
            let removed = try await test.ledger.remove(
                [here.id], by: writer, telling: true, until: QueueTest.deadline())
            #expect(removed == [here.id])
            let there = try #require(test.trakt.plays.first { $0.ids["trakt"].int == 3 })
            try await test.there("sync/history/remove", #"{"ids":[\#(there.id)]}"#)
            // Removals show only in a full reading.
            _ = try await test.pool.execute(
                PGCommand("tests.whole", "UPDATE sync_places SET whole_at = whole_at - interval '2 days'"), [])
            try await test.sync()
            try await Self.expectBooksAgree(test, count: 1)
        }
    }

    @Test("Where much is gone at once the run is held; confirmed a minute later, and still the same, it goes")
    func held() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            for number in 1...40 { test.book.rate(number, 50) }
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            let gone = (1...20).map { #"{"ids":{"trakt":\#($0)}}"# }.joined(separator: ",")
            try await test.there("sync/ratings/remove", #"{"movies":[\#(gone)]}"#)
            let told = Mutex<[SyncRunState]>([])
            let held = try await test.sync(tell: { _, state in told.withLock { $0.append(state) } })
            #expect(held.state == .held && held.held == 20 && test.book.rated.count == 40)
            #expect(told.withLock { $0 } == [.held], "it is counted as held")
            let early = try await test.sync(confirms: held.id)
            #expect(early.state == .held && test.book.rated.count == 40, "not within the first minute")
            _ = try await test.pool.execute(
                PGCommand("tests.older", "UPDATE sync_runs SET finished_at = finished_at - interval '2 minutes'"), [])
            let confirmed = try await test.sync(confirms: early.id)
            #expect(confirmed.state == .done && test.book.rated.count == 20 && test.ratedThere.count == 20)
        }
    }

    @Test(
        "Trakt failing in every way plans nothing and removes nothing",
        arguments: [Fault.Kind.html, .status, .drop, .truncated, .quota])
    func failing(kind: Fault.Kind) async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            for number in 1...8 { test.book.rate(number, 50) }
            try await test.sync()
            try await test.letLagEnd()
            try await test.rateThere([1: 9])
            _ = test.upstreams.server.desk.add(
                Fault(provider: .trakt, kind: kind, path: "/sync/ratings", status: kind == .html ? 200 : 500))
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker().turn()
            let run = try await test.run(id)
            #expect(run.changesHere == 0 && run.changesThere == 0)
            #expect(test.book.rated.count == 8 && test.ratedThere.count == 8)
        }
    }

    /// Previously, with hundreds of pages, one failed now and then, and everything was read again from the start half
    /// an hour later.
    @Test("A page that fails in passing is asked for again", arguments: [Fault.Kind.html, .status, .drop])
    func failingInPassing(kind: Fault.Kind) async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            try await test.rateThere([1: 9, 2: 5])
            _ = test.upstreams.server.desk.add(
                Fault(provider: .trakt, kind: kind, path: "/sync/ratings/movies", times: 2, status: 502))
            let run = try await test.sync()
            #expect(run.state == .done, "\(run.reason ?? "")")
            #expect(test.book.rated == [1: 90, 2: 50])
            #expect(test.calls().count { $0 == "GET /sync/ratings/movies" } == 3)
        }
    }

    /// Previously, a sync requested while somebody's whole history was read waited for its end.
    @Test("A sync that takes long holds up no other that is asked for meanwhile")
    func beside() async throws {
        try await SyncTest.run { test in
            let bob = LaneKey(user: UserID(SystemIDSource().next()), provider: .trakt)
            try await TraktTest.connect(bob, as: "demo-bob", in: test.connections)
            // Automatic polls are put off.
            _ = try await test.pool.execute(
                PGCommand("tests.later", "UPDATE scrobble_connections SET polled_at = now() + interval '1 hour'"), [])
            _ = test.upstreams.server.desk.add(
                Fault(provider: .trakt, kind: .hang, path: "/sync/last_activities", times: 1, milliseconds: 10_000))
            func open(_ lane: LaneKey) async throws -> BatchID {
                try #require(
                    try await test.store.open(
                        lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            }
            func state(_ run: BatchID, _ lane: LaneKey) async throws -> SyncRunState? {
                try await test.store.runs(
                    of: lane.user, run, after: .newest, limit: 1, until: QueueTest.deadline()
                ).first?.state
            }
            let slow = try await open(test.lane)
            let worker = test.worker()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await worker.run() }
                defer { group.cancelAll() }
                let end = ContinuousClock.now + .seconds(8)
                while test.calls().isEmpty, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(10)) }
                let quick = try await open(bob)
                worker.bell.ring()
                while try await state(quick, bob) != .done, ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(try await state(quick, bob) == .done)
                #expect(try await state(slow, test.lane) == .reading)
            }
        }
    }

    @Test("What was edited here between a plan and its doing meets what was read there at the next sync")
    func editedMeanwhile() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: FacetPolicy(direction: .both, conflicts: .ask)])
            test.book.rate(1, 50)
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            try await test.rateThere([1: 8], at: "\(SystemWallClock().now)")
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker { if $0 == .kept { test.book.rate(1, 30) } }.turn()
            #expect(try await test.changes(try await test.run(id)).map(\.state) == [.skipped])
            // Nothing has moved there since, yet the edit is not ours alone.
            let next = try await test.sync()
            #expect(next.changesHere == 0 && next.changesThere == 0)
            #expect(test.book.rated == [1: 30] && test.ratedThere == [1: 8])
        }
    }

    @Test(
        "A worker that dies at any point leaves a run that the next one finishes, with nothing done twice",
        arguments: SyncPoint.allCases)
    func crash(point: SyncPoint) async throws {
        var limits = SyncLimits()
        limits.lease = .milliseconds(300)
        limits.retryAfter = .milliseconds(200)
        limits.oursMax = 2
        limits.theirsMax = 2
        try await SyncTest.run(limits: limits) { test in
            try await test.want([.history: Self.both, .ratings: Self.both])
            for number in 1...5 { test.book.rate(number, 50) }
            try await test.rateThere([11: 4, 12: 5, 13: 6])
            try await test.there(
                "sync/history",
                #"{"movies":[{"ids":{"trakt":2},"watched_at":"2026-03-01T20:02:00.000Z"},{"ids":{"trakt":3},"watched_at":"2026-03-05T10:00:00.000Z"},{"ids":{"trakt":4},"watched_at":"2026-03-06T10:00:00.000Z"}]}"#
            )
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            // From that point on, everything it tries fails.
            await test.worker { reached in
                if reached == point { withUnsafeCurrentTask { $0?.cancel() } }
            }.turn()
            let end = ContinuousClock.now + .seconds(20)
            var run = try await test.run(id)
            while ContinuousClock.now < end, run.state != .done {
                await test.worker().turn()
                run = try await test.run(id)
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(run.state == .done)
            try await test.deliver()
            let finished = try await test.run(id)
            #expect(finished.failed == 0 && finished.waiting == 0)
            #expect(test.book.rated.count == 8 && test.ratedThere.count == 8)
            try await Self.expectBooksAgree(test, count: 3)
        }
    }

    /// Expects as many plays here as there, of the same titles at the same minutes.
    private static func expectBooksAgree(_ test: SyncTest, count: Int) async throws {
        let here = try await test.store.plays(of: test.user, until: QueueTest.deadline()).filter { !$0.isRemoved }.map {
            NeighbourBook.number($0.title)
        }.sorted()
        let there = test.trakt.plays.compactMap { $0.ids["trakt"].int }.sorted()
        #expect(here.count == count && here == there)
    }
}
