import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Events of people, as triggers write them and as they are read while more happens.
@Suite struct EventStoreTests {
    private static let ids = SystemIDSource()

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(30)) }

    private static func withPools(_ body: ([PGPool]) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: ScrobbleService.migrations) { try await body($0) }
    }

    private static func sitting(_ user: UserID) -> Sitting {
        let now = SystemWallClock().now
        return Sitting(
            id: PlaybackSessionID(ids.next()), user: user, title: TitleID(ids.next()), kind: .movie, progressPercent: 5,
            startedAt: now, expiresAt: now.advanced(by: .seconds(3_600)))
    }

    @Test("A sitting, its play and the play's removal are told in their order, as the contract has them")
    func told() async throws {
        try await Self.withPools { pools in
            let playback = PlaybackStore(database: Database(pool: pools[0]), ids: Self.ids)
            let store = EventStore(database: Database(pool: pools[1]))
            let start = try await store.end(until: Self.deadline())
            let user = UserID(Self.ids.next())
            let session = try await playback.open(Self.sitting(user), until: Self.deadline())
            let stop = PlaybackStore.Stop(
                user: user, session: session.id, progressPercent: 95, at: SystemWallClock().now)
            let outcome = try #require(try await playback.close(stop, until: Self.deadline()))
            let play = try #require(outcome.play)
            _ = try await playback.ledger.remove(
                [play.id], by: .person(user, at: stop.at), telling: true, until: Self.deadline())
            let events = try await store.events(after: start, until: Self.deadline())
            #expect(events.map(\.kind) == ["playback", "history", "playback", "history"])
            #expect(events.allSatisfy { $0.user == user })
            #expect(events[0].event.playback == session)
            #expect(events[1].event.history?.happened == .added)
            #expect(events[1].event.history?.play?.id == play.id)
            #expect(events[2].event.playback?.play == play.id)
            #expect(events[3].event.history?.happened == .removed)
            let rest = try #require(EventPlace(events[1].place))
            #expect(
                try await store.events(after: rest, of: user, until: Self.deadline()).map(\.kind) == [
                    "playback", "history",
                ])
            #expect(try await store.events(after: start, of: UserID(Self.ids.next()), until: Self.deadline()).isEmpty)
        }
    }

    @Test("The order is that of numbers, not of their digits: what follows 99 is 100")
    func powersOfTen() async throws {
        try await Self.withPools { pools in
            let store = EventStore(database: Database(pool: pools[0]))
            let user = UserID(Self.ids.next())
            // Committed long ago, in a database of any age.
            let insert = PGCommand(
                "tests.tellAs",
                "INSERT INTO events (user_id, xid, kind, body) SELECT $1, x::text::xid8, 'playback', '{}' "
                    + "FROM unnest($2::bigint[]) AS x")
            try await pools[0].execute(
                insert, [.id(user), .intArray([9, 10, 99, 100, 101])], deadline: Self.deadline())
            let start = EventPlace(transaction: "0", position: 0)
            for known in [nil, user] {
                let events = try await store.events(after: start, of: known, until: Self.deadline())
                #expect(events.map { $0.place.split(separator: "-")[0] } == ["9", "10", "99", "100", "101"])
            }
        }
    }

    @Test("Many plays in one statement are told as a number")
    func many() async throws {
        try await Self.withPools { pools in
            let ledger = LedgerStore(database: Database(pool: pools[0]), ids: Self.ids)
            let store = EventStore(database: Database(pool: pools[0]))
            let start = try await store.end(until: Self.deadline())
            let now = SystemWallClock().now
            let plays = (0..<500).map { number in
                IncomingPlay(
                    title: TitleID(Self.ids.next()), kind: .movie, moment: .second(now, day: now.date), percent: nil,
                    runtimeMinutes: nil, source: PlaySource(name: "file", key: "\(number)"))
            }
            let arrival = LedgerStore.Arrival(
                user: UserID(Self.ids.next()), timeZone: "UTC", batch: nil, at: now, isByHand: false, plays: plays,
                telling: false)
            _ = try await ledger.add(arrival, until: Self.deadline())
            let events = try await store.events(after: start, until: Self.deadline())
            #expect(events.map { $0.event.history?.count } == [500])
            #expect(events.first?.event.history?.play == nil)
        }
    }

    @Test("Who reads while transactions of all lengths commit misses none and sees none twice")
    func order() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await Self.withPools { pools in
            let store = EventStore(database: Database(pool: pools[1]))
            var place = try await store.end(until: Self.deadline())
            let insert = PGCommand(
                "tests.tell", "INSERT INTO events (user_id, kind, body) VALUES ($1, 'playback', '{}')")
            let (writers, each) = (8, 40)
            var random = SeededRandom(seed: seed)
            let waits = (0..<(writers * each)).map { _ in Int64(random.next() % 8) }
            var seen: [UserID] = []
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<writers {
                    group.addTask {
                        for number in 0..<each {
                            let user = UserID(UUIDBits(high: UInt64(writer), low: UInt64(number)))
                            let pool = pools[(writer + number) % 2]
                            try await pool.withTransaction(deadline: Self.deadline()) { transaction throws(PGError) in
                                try await transaction.execute(insert, [.id(user)])
                                try? await Task.sleep(for: .milliseconds(waits[writer * each + number]))
                            }
                        }
                    }
                }
                let end = ContinuousClock.now + .seconds(60)
                while seen.count < writers * each, ContinuousClock.now < end {
                    let events = try await store.events(after: place, until: Self.deadline())
                    seen += events.map(\.user)
                    if let last = events.last { place = try #require(EventPlace(last.place)) }
                }
                try await group.waitForAll()
            }
            #expect(seen.count == writers * each, "seed \(seed)")
            #expect(Set(seen).count == seen.count, "seed \(seed)")
        }
    }

    @Test("What is older than a day goes, and who comes back to it is told so")
    func sweep() async throws {
        try await Self.withPools { pools in
            let playback = PlaybackStore(database: Database(pool: pools[0]), ids: Self.ids)
            let store = EventStore(database: Database(pool: pools[0]))
            let start = try await store.end(until: Self.deadline())
            let user = UserID(Self.ids.next())
            for _ in 0..<3 { _ = try await playback.open(Self.sitting(user), until: Self.deadline()) }
            let first = try #require(try await store.events(after: start, until: Self.deadline()).first)
            let place = try #require(EventPlace(first.place))
            #expect(try await !store.isBroken(after: place, until: Self.deadline()))
            try await pools[0].execute(
                PGCommand(
                    "tests.age",
                    "UPDATE events SET created_at = now() - interval '25 hours' WHERE xid <= '\(place.transaction)'::xid8",
                    kind: .solo))
            #expect(try await !store.sweep(until: Self.deadline()))
            #expect(try await store.events(after: start, until: Self.deadline()).count == 2)
            #expect(try await store.isBroken(after: place, until: Self.deadline()))
            // The newest event stays, so that no loss is reported that did not happen; a place that is still to
            // come belongs to another database.
            try await pools[0].execute(
                PGCommand(
                    "tests.ageAll", "UPDATE events SET created_at = now() - interval '25 hours'", kind: .solo))
            #expect(try await !store.sweep(until: Self.deadline()))
            let left = try await store.events(after: start, until: Self.deadline())
            #expect(left.count == 1)
            let newest = try #require(left.first.flatMap { EventPlace($0.place) })
            #expect(try await !store.isBroken(after: newest, until: Self.deadline()))
            let end = try await store.end(until: Self.deadline())
            #expect(try await !store.isBroken(after: end, until: Self.deadline()))
            let ahead = EventPlace(transaction: "9000000000000000000", position: 1)
            #expect(try await store.isBroken(after: ahead, until: Self.deadline()))
        }
    }

    @Test("A bell wakes everybody who waits, and nobody misses a ring between the look and the wait")
    func bell() async throws {
        let bell = EventBell()
        let rings = bell.rings
        bell.ring()
        let begun = ContinuousClock.now
        await bell.wait(after: rings, atMost: .seconds(30))
        await withTaskGroup(of: Void.self) { group in
            let now = bell.rings
            for _ in 0..<50 { group.addTask { await bell.wait(after: now, atMost: .seconds(30)) } }
            bell.ring()
            await group.waitForAll()
            bell.drain()
            await bell.wait(after: bell.rings, atMost: .seconds(30))
        }
        #expect(ContinuousClock.now - begun < .seconds(25))
    }
}
