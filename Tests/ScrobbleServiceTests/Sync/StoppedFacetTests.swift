import Contracts
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Accounts that have no more room for something, or lack what it requires.
@Suite struct StoppedFacetTests {
    private static let both = FacetPolicy(direction: .both)

    private static func room(_ count: Int, _ test: SyncTest) {
        test.trakt.behaveQuickly { $0.shelfMax = count }
    }

    private static func room(plays count: Int, _ test: SyncTest) {
        test.trakt.behaveQuickly { $0.playsMax = count }
    }

    /// Returns a job for something sent as it happens.
    private static func job(_ action: JobAction, _ number: Int, _ test: SyncTest, _ payload: JobPayload) -> NewJob {
        NewJob(
            id: SystemIDSource().next(), lane: test.lane, urgency: .live, kind: .movie,
            title: NeighbourBook.title(number), action: action, payload: payload,
            fingerprint: "\(action.rawValue) \(number) \(SystemIDSource().next())")
    }

    /// Enqueues plays of these films, one job each.
    private static func enqueue(_ numbers: [Int], _ test: SyncTest) async throws {
        let payload = JobPayload(watchedAt: SystemWallClock().now, precision: .second)
        try await test.queue.enqueue(
            numbers.map { job(.addPlay, $0, test, payload) }, until: QueueTest.deadline())
    }

    private static func jobs(_ list: JobList, _ test: SyncTest) async throws -> [ListedJob] {
        try await test.queue.jobs(of: test.user, list, after: .newest, limit: 10, until: QueueTest.deadline())
    }

    /// Adds plays of the first films, a day apart, that both sides have and have matched.
    private static func bothHave(_ count: Int, _ test: SyncTest) async throws {
        for number in 1...count { try await test.play(number, at: "2024-01-0\(number)T20:00:00Z") }
        try await test.sync()
        try await test.letLagEnd()
        try await test.readEverything()
        try await test.sync()
        try await test.letLagEnd()
    }

    private static func move(_ number: Int, to text: String, _ test: SyncTest) async throws {
        let plays = try await test.store.plays(of: test.user, until: QueueTest.deadline())
        let play = try #require(plays.first { $0.title == NeighbourBook.title(number) })
        let at = try #require(Timestamp(text))
        _ = try await test.ledger.edit(
            play.id, to: .minute(at, day: at.date), timeZone: "UTC",
            by: .person(test.user, at: SystemWallClock().now), until: QueueTest.deadline())
    }

    private static func daysThere(_ test: SyncTest) -> [String] {
        test.trakt.plays.compactMap { $0.watchedAt.map { String($0.prefix(10)) } }.sorted()
    }

    private static func standing(_ test: SyncTest) async throws -> [Int] {
        try await test.store.plays(of: test.user, until: QueueTest.deadline()).filter { !$0.isRemoved }
            .map { NeighbourBook.number($0.title) }.sorted()
    }

    private static func view(_ test: SyncTest) async throws -> ConnectionView {
        let stored = try await test.connections.list(of: test.user, until: QueueTest.deadline())
        let stops = try await test.connections.stops(of: test.user, until: QueueTest.deadline())
        return ConnectionView(.trakt, stored.first { $0.provider == .trakt }, stops, isAvailable: true)
    }

    private static func writes(_ test: SyncTest, after sequence: Int) -> Int {
        test.calls(after: sequence).count { $0 == "POST /sync/watchlist" }
    }

    /// Previously, the whole connection stopped, scrobbles included, and failed again as soon as the person resumed it.
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

            // While it is stopped, nothing is added there; everything else goes on.
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

            // The person has made room there, and resumes it.
            Self.room(1_000, test)
            try await test.setPaused(false)
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
            // Removals are made there although nothing is added.
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
            var jobs = (1...30).map { Self.job(.addToWatchlist, $0, test, JobPayload()) }
            jobs.append(Self.job(.rate, 40, test, JobPayload(rating: 8)))
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
            // Once the facet is switched off, it no longer matters.
            try await test.want([.collection: .off])
            #expect(try await Self.view(test).stopped == nil)
        }
    }

    /// Previously, the old date had been removed there, so the next full reading took the play for removed, and it was
    /// removed here.
    @Test("A play gets another date while the history there is full: it stays here, and is told once there is room")
    func moved() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            try await Self.bothHave(3, test)
            Self.room(plays: 0, test)
            try await Self.move(1, to: "2024-02-01T20:00:00Z", test)
            try await test.deliver()
            #expect(Self.daysThere(test) == ["2024-01-02", "2024-01-03"])
            #expect(try await QueueTest.outcomes(test.pool)["cancelled: account_limit"] == 1)
            // A stale reading may show the old date for a while: that is not a new play there.
            let old = try #require(Timestamp("2024-01-01T20:00:00Z"))
            let leaving = try await test.store.inFlight(of: test.lane, until: QueueTest.deadline()).leaving
            #expect(leaving.moments == [LeavingMoment(title: NeighbourBook.title(1), at: old)])
            try await test.letLagEnd()
            try await test.readEverything()
            let run = try await test.sync()
            #expect(run.state == .done && run.changesHere == 0 && run.changesThere == 0, "\(run)")
            #expect(try await Self.standing(test) == [1, 2, 3])

            Self.room(plays: 1_000, test)
            try await test.setPaused(false)
            try await test.sync()
            #expect(Self.daysThere(test) == ["2024-01-02", "2024-01-03", "2024-02-01"])
            try await test.letLagEnd()
            try await test.readEverything()
            let last = try await test.sync()
            #expect(last.changesHere == 0 && last.changesThere == 0, "\(last)")
            #expect(try await Self.standing(test) == [1, 2, 3] && test.trakt.plays.count == 3)
        }
    }

    /// Previously, the job for the new date was parked, and only the removal of the old one was sent.
    @Test("A play gets another date while others wait for room: that takes none, and is told")
    func movedInPlace() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            try await Self.bothHave(2, test)
            Self.room(plays: 2, test)
            try await Self.enqueue([31, 32, 33], test)
            try await Self.move(1, to: "2024-02-01T20:00:00Z", test)
            try await test.deliver()
            #expect(Self.daysThere(test) == ["2024-01-02", "2024-02-01"])
            #expect(try await QueueTest.outcomes(test.pool)["cancelled: account_limit"] == 3)
            #expect(try await test.pool.query(QueueTest.faults) == [0])
        }
    }

    @Test(
        "The word of a new date is taken back by hand: nothing is agreed on any more where the old one was, or is, taken out"
    )
    func takenBack() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            try await Self.bothHave(3, test)
            try await Self.move(1, to: "2024-02-01T20:00:00Z", test)
            try await Self.move(2, to: "2024-02-02T20:00:00Z", test)
            try await Self.move(3, to: "2024-02-03T20:00:00Z", test)
            // The first of the six jobs is delivered.
            try await Self.deliverRemoval(test)
            let waiting = try await Self.jobs(.waiting, test)
            func cancel(_ action: String, of film: Int? = nil) async throws {
                for listed in waiting
                where listed.job.action == action && film.map({ listed.job.title == NeighbourBook.title($0) }) ?? true {
                    #expect(
                        try await test.queue.cancel(listed.job.id.uuid, of: test.user, until: QueueTest.deadline()))
                }
            }
            func agreed() async throws -> [Int] {
                let base = try await test.store.base(of: test.lane, .history, until: QueueTest.deadline())
                return base.map { NeighbourBook.number($0.title) }.sorted()
            }
            // The third play keeps its old date there, since nothing removes it any more.
            try await cancel("remove_play", of: 3)
            try await cancel("add_play")
            #expect(try await agreed() == [2, 3])
            try await Self.deliverRemoval(test)
            #expect(try await agreed() == [3])
        }
    }

    /// Delivers the next job, which removes a play.
    private static func deliverRemoval(_ test: SyncTest) async throws {
        var window = ClaimWindow(slack: .zero)
        let claims = try await test.queue.claim(
            as: SystemIDSource().next(), &window, liveMax: 1, bulkMax: 1, providers: [.trakt],
            until: QueueTest.deadline())
        let claim = try #require(claims.first)
        #expect(claim.jobs.map(\.action) == [.removePlay])
        let results = claim.jobs.map { _ in (fate: JobFate.done(reason: "delivered"), lane: LaneEffect.goOn) }
        _ = try await test.queue.settle(
            [LaneSettlement(claim: claim, results: results, pace: .zero)], until: QueueTest.deadline())
    }

    /// Previously, if no sync sends the history, nothing planned it again: it was never sent, and nothing said so.
    @Test(
        "What is told as it happens and meets a full history is with what failed, unless a sync tells it later",
        arguments: [SyncDirection.send, .receive])
    func untold(direction: SyncDirection) async throws {
        try await SyncTest.run { test in
            try await test.want([.history: FacetPolicy(direction: direction)])
            let outcome = direction == .send ? "cancelled" : "dead"
            let dead = direction == .send ? 0 : 4
            Self.room(plays: 0, test)
            // Of three waiting jobs, one meets the full history, and two leave with it; a scrobble meets it on its own.
            try await Self.enqueue([31, 32, 33], test)
            try await test.deliver()
            _ = test.upstreams.server.desk.add(
                Fault(provider: .trakt, kind: .status, path: "/scrobble/stop", status: 420))
            try await test.scrobble(34)
            #expect(try await QueueTest.outcomes(test.pool)["\(outcome): account_limit"] == 4)
            #expect(try await Self.jobs(.dead, test).count == dead)
            #expect(try await test.pool.query(QueueTest.faults) == [0])

            // Revived by hand once there is room.
            test.upstreams.server.desk.clearFaults()
            Self.room(plays: 1_000, test)
            let revived = try await test.queue.revive(of: [.trakt], limit: 10, until: QueueTest.deadline())
            try await test.deliver()
            #expect(revived == dead && test.trakt.plays.count == dead)
        }
    }

    /// The migration had repaired what existed then; connections that stopped later waited for their person, without
    /// giving the reason.
    @Test(
        "A copy of an older version stops the whole connection: it says why, and goes on by itself; a pause stays",
        arguments: [ConnectionState.accountLimit, .vipRequired])
    func healed(state: ConnectionState) async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            try await Self.enqueue([31], test)
            _ = try await test.pool.execute(
                PGCommand("tests.old.state", "UPDATE scrobble_connections SET state = $1, state_reason = $1"),
                [.text(state.rawValue)])
            _ = try await test.pool.execute(
                PGCommand("tests.old.pause", "UPDATE queue_lanes SET is_paused = true"), [])
            let stopped = try await Self.view(test)
            #expect(stopped.state == state && stopped.reason != nil && stopped.remedy != nil)
            try await test.queue.sweep(until: QueueTest.deadline())
            let view = try await Self.view(test)
            #expect(view.state == .connected && view.reason == nil)
            try await test.deliver()
            #expect(test.trakt.plays.count == 1)

            try await test.setPaused(true)
            try await test.queue.sweep(until: QueueTest.deadline())
            #expect(try await Self.view(test).state == .paused)
            let stored = try await test.connections.list(of: test.user, until: QueueTest.deadline())
            #expect(stored.map(\.isPaused) == [true])
        }
    }
}
