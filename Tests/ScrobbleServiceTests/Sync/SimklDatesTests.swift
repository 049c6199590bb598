import Contracts
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Simkl has one date and one state per title: it is sent the latest play, whatever happens to the others.
@Suite struct SimklDatesTests {
    private static let both = FacetPolicy(direction: .both)
    /// The second episode of show 5.
    private static let episode = 5_002
    private static let (january, march, june) = (
        "2024-01-10T20:00:00Z", "2024-03-10T20:00:00Z", "2024-06-10T20:00:00Z"
    )

    /// Adds a play by the person's own click, and waits until it is sent.
    private static func click(
        _ number: Int, _ text: String, _ test: SimklSyncTests.Setting
    ) async throws -> PlayID {
        let at = try #require(Timestamp(text))
        let verdicts = try await test.ledger.add(
            LedgerStore.Arrival(
                user: test.user, timeZone: "UTC", batch: nil, at: SystemWallClock().now, isByHand: true,
                plays: [
                    IncomingPlay(
                        title: NeighbourBook.title(number), kind: number < 1_000 ? .movie : .episode,
                        moment: .second(at, day: at.date), percent: nil, runtimeMinutes: nil,
                        source: PlaySource(name: "person", key: "\(number) \(text)"))
                ], telling: true), until: QueueTest.deadline())
        try await deliver(test)
        return try #require(verdicts.first).play
    }

    private static func deliver(_ test: SimklSyncTests.Setting) async throws {
        try await QueueTest.work([test.queueWorker()]) { try await test.pool.query(QueueTest.waiting) == [0] }
        test.simkl.pass(seconds: 2)
    }

    private static func remove(_ play: PlayID, _ test: SimklSyncTests.Setting) async throws {
        _ = try await test.ledger.remove(
            [play], by: .person(test.user, at: SystemWallClock().now), telling: true, until: QueueTest.deadline())
        try await deliver(test)
    }

    private static func edit(_ play: PlayID, _ text: String, _ test: SimklSyncTests.Setting) async throws {
        let at = try #require(Timestamp(text))
        _ = try #require(
            try await test.ledger.edit(
                play, to: .second(at, day: at.date), timeZone: "UTC",
                by: .person(test.user, at: SystemWallClock().now), until: QueueTest.deadline()))
        try await deliver(test)
    }

    @Test("An episode of which one play is taken out stays watched as long as another stands, dated as that is")
    func taken() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.history: Self.both])
            func there() -> String? { test.items[5]?.episodes["1x2"] }
            let first = try await Self.click(Self.episode, Self.january, test)
            let last = try await Self.click(Self.episode, Self.june, test)
            #expect(there() == Self.june)
            try await Self.remove(last, test)
            #expect(there() == Self.january)
            try await Self.remove(first, test)
            #expect(test.items[5] != nil && there() == nil, "nothing stands, nothing is watched")
        }
    }

    @Test("A film keeps its rating and has the date of the play that is left")
    func film() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.history: Self.both])
            _ = try await Self.click(7, Self.january, test)
            let last = try await Self.click(7, Self.june, test)
            test.there(7) { $0.rating = 9 }
            try await Self.remove(last, test)
            #expect(test.items[7]?.lastWatchedAt == Self.january && test.items[7]?.rating == 9)
        }
    }

    @Test("A play that is written down for a time long ago is no news where a later one is known")
    func backdated() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.history: Self.both])
            _ = try await Self.click(Self.episode, Self.june, test)
            _ = try await Self.click(Self.episode, "2010-05-05T20:00:00Z", test)
            #expect(test.items[5]?.episodes["1x2"] == Self.june)
        }
    }

    @Test("A play that gets another date, or becomes one with another play, leaves the date of the latest")
    func edited() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.history: Self.both])
            func there() -> String? { test.items[5]?.episodes["1x2"] }
            let first = try await Self.click(Self.episode, Self.january, test)
            let last = try await Self.click(Self.episode, Self.june, test)
            try await Self.edit(first, "2023-01-10T20:00:00Z", test)
            #expect(there() == Self.june, "the older one moves")
            try await Self.edit(last, Self.march, test)
            #expect(there() == Self.march)
            try await Self.edit(last, "2023-01-10T20:01:00Z", test)
            #expect(there() == "2023-01-10T20:00:00Z", "one with the first")
        }
    }

    @Test(
        "What was told of a play alone is taken back; a date that was there before it and is nobody's now stays written over"
    )
    func undone() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.history: Self.both])
            try await test.play(1, Self.june)
            try await test.play(2, Self.june)
            test.there(1) { ($0.status, $0.lastWatchedAt) = ("completed", Self.january) }
            let run = try await test.sync()
            #expect(run.changesHere == 1 && run.changesThere == 2 && run.failed == 0, "\(run)")
            let told = try await test.store.told(by: run.id, test.user, after: -1, until: QueueTest.deadline())
            #expect(
                Dictionary(uniqueKeysWithValues: told.map { (NeighbourBook.number($0.change.title), $0.hadOther) })
                    == [1: true, 2: false])
        }
        for (hadOther, verdict) in [(false, false), (true, true)] {
            let change = SyncChange(
                facet: .history, side: .theirs, title: NeighbourBook.title(Self.episode), kind: .episode,
                play: PlayID(UUIDBits(high: 1, low: 1)), theirs: nil, was: nil, becomes: "play", at: nil)
            let told = ToldChange(
                change: change, isKnown: true, value: "play", theirs: nil, isApart: false, isInFlight: false,
                hadOther: hadOther)
            #expect((RemoteUndo.verdict(on: told, at: .simkl) == .inseparable) == verdict)
            #expect(RemoteUndo.verdict(on: told, at: .trakt) != .inseparable)
        }
    }

    @Test(
        "A play that a sync has told is taken back elsewhere though it stands here; where another stands that one is told"
    )
    func takenBack() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.history: Self.both])
            func job(_ play: PlayID) -> NewJob {
                NewJob(
                    id: SystemIDSource().next(), lane: test.lane, urgency: .bulk, kind: .episode,
                    title: NeighbourBook.title(Self.episode), action: .removePlay, payload: JobPayload(),
                    fingerprint: "remove \(play)")
            }
            let last = try await Self.click(Self.episode, Self.june, test)
            try await test.queue.enqueue([job(last)], until: QueueTest.deadline())
            try await Self.deliver(test)
            #expect(test.items[5]?.episodes["1x2"] == nil)
            _ = try await Self.click(Self.episode, Self.january, test)
            #expect(test.items[5]?.episodes["1x2"] == Self.june, "both stand")
            try await test.queue.enqueue([job(last)], until: QueueTest.deadline())
            try await Self.deliver(test)
            #expect(test.items[5]?.episodes["1x2"] == Self.january)
        }
    }

    @Test("What was watched here is no wish there: telling it would take the title off what was watched")
    func wishes() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.history: Self.both, .watchlist: Self.both])
            try await test.play(1, Self.june)
            for number in [1, 2] { try await test.list(number) }
            let run = try await test.sync()
            #expect(run.failed == 0 && run.changesThere == 2, "\(run)")
            #expect(test.items.mapValues(\.status) == [1: "completed", 2: "plantowatch"])
            try await test.letLagEnd()
            let next = try await test.sync()
            #expect(next.changesHere == 0 && next.changesThere == 0, "\(next)")
            #expect(test.items[1]?.status == "completed")
            #expect(try await test.listed() == [1, 2])
            // A show counts as watched with any of its episodes.
            let (show, other) = (NeighbourBook.title(60), NeighbourBook.title(61))
            let at = try #require(Timestamp(Self.january))
            _ = try await test.ledger.add(
                LedgerStore.Arrival(
                    user: test.user, timeZone: "UTC", batch: nil, at: SystemWallClock().now, isByHand: false,
                    plays: [
                        IncomingPlay(
                            title: NeighbourBook.title(60_001), kind: .episode, moment: .second(at, day: at.date),
                            percent: nil, runtimeMinutes: nil, source: PlaySource(name: "file", key: "60"),
                            episode: EpisodePlace(series: show, season: 1, number: 1))
                    ], telling: false), until: QueueTest.deadline())
            #expect(
                try await test.store.watchedHere([show, other], by: test.user, until: QueueTest.deadline()) == [show])
        }
    }

    /// Previously, it was dated to the present day, and passed on with that date.
    @Test(
        "A rating without a day is dated by when its film was watched; one that changes without a day, by when that is seen"
    )
    func undatedRatings() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.ratings: Self.both])
            func ratedAt() async throws -> Timestamp? {
                try await test.book.ratings(of: test.user, [NeighbourBook.title(1)])[NeighbourBook.title(1)]?.ratedAt
            }
            let begun = SystemWallClock().now
            test.there(1) { item in
                item.status = "completed"
                (item.rating, item.ratedAt, item.lastWatchedAt) = (9, nil, Self.march)
            }
            try await test.sync()
            #expect(test.book.rated == [1: 90])
            #expect(try await ratedAt() == Timestamp(Self.march))
            try await test.sync()
            try await test.letLagEnd()
            test.there(1) { $0.rating = 4 }
            try await test.sync()
            #expect(test.book.rated == [1: 40])
            #expect(try await ratedAt().map { $0 >= begun } == true)
        }
    }
}
