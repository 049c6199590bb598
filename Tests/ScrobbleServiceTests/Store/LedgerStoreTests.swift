import Contracts
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// The ledger in a real Postgres, written through replicas that share it.
@Suite struct LedgerStoreTests {
    private static let ids = SystemIDSource()

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(60)) }

    private static func withStores(_ body: ([LedgerStore], PGPool) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: ScrobbleService.migrations) { pools in
            try await body(pools.map { LedgerStore(database: Database(pool: $0), ids: ids) }, pools[0])
        }
    }

    private static func file(_ count: Int, from road: String = "file") -> [IncomingPlay] {
        (0..<count).map { number in
            let at = Timestamp(clampingMicrosecondsSinceEpoch: 1_700_000_000_000_000 + Int64(number) * 3_600_000_000)
            return IncomingPlay(
                title: TitleID(UUIDBits(high: 5, low: UInt64(number % 7))), kind: .movie,
                moment: .second(at, day: at.date), percent: nil, runtimeMinutes: nil,
                source: PlaySource(name: road, key: "\(number)"))
        }
    }

    private static func arrival(_ user: UserID, _ plays: [IncomingPlay], byHand: Bool = false) -> LedgerStore.Arrival {
        LedgerStore.Arrival(
            user: user, timeZone: "Europe/Vienna", batch: nil, at: SystemWallClock().now, isByHand: byHand,
            plays: plays,
            telling: byHand)
    }

    private static func hand(_ user: UserID) -> LedgerWriter { .person(user, at: SystemWallClock().now) }

    private static let roads = PGStatement(
        "tests.roadsOfPlays",
        "SELECT source || ' ' || source_key, play_id FROM play_sources ORDER BY source, source_key"
    ) { row throws(PGError) in (name: try row.next(String.self), play: try row.next(PlayID.self)) }

    private static func history(_ pool: PGPool, _ user: UserID) async throws -> [PlayID] {
        let store = ScrobbleStore(database: Database(pool: pool))
        return try await store.plays(of: user, after: .newest, limit: 1_000, until: deadline()).map(\.play.id)
    }

    @Test("One file that arrives five times at once, and by another road besides, makes each play once")
    func together() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<10 {
                    let file = Self.file(100, from: number < 5 ? "file" : "trakt")
                    group.addTask {
                        _ = try await stores[number % 2].add(Self.arrival(user, file), until: Self.deadline())
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await Self.history(pool, user).count == 100)
            let roads = PGStatement(
                "tests.roads", "SELECT source, count(*) FROM play_sources GROUP BY source ORDER BY source"
            ) { row throws(PGError) in "\(try row.next(String.self)) \(try row.next(Int.self))" }
            #expect(try await pool.query(roads) == ["file 100", "trakt 100"])
        }
    }

    @Test("A removed play does not come back with the same file; its person's own click brings it back")
    func removed() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let file = Self.file(5)
            let first = try await stores[0].add(Self.arrival(user, file), until: Self.deadline())
            let gone = first[2].play
            #expect(
                try await stores[1].remove([gone], by: Self.hand(user), telling: false, until: Self.deadline()) == [
                    gone
                ])
            #expect(
                try await stores[0].remove([gone], by: Self.hand(user), telling: false, until: Self.deadline()).isEmpty)
            #expect(
                try await stores[0].remove(
                    [first[0].play], by: Self.hand(UserID(Self.ids.next())), telling: false, until: Self.deadline()
                ).isEmpty)
            #expect(try await !Self.history(pool, user).contains(gone))
            for road in ["file", "trakt"] {
                let again = try await stores[0].add(
                    Self.arrival(user, Self.file(5, from: road)), until: Self.deadline())
                #expect(again[2] == .removed(gone))
            }
            #expect(try await Self.history(pool, user).count == 4)
            let click = IncomingPlay(
                title: file[2].title, kind: .movie, moment: file[2].moment, percent: nil, runtimeMinutes: nil,
                source: PlaySource(name: "manual", key: "click"))
            let back = try await stores[0].add(Self.arrival(user, [click], byHand: true), until: Self.deadline())
            #expect(back == [.same(gone)])
            #expect(try await Self.history(pool, user).count == 5)
        }
    }

    @Test(
        "A road that has told of another title's play goes on telling of that one; the play that comes by it is written"
    )
    func roadOfAnotherTitle() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let file = Self.file(2)
            let first = try await stores[0].add(Self.arrival(user, file), until: Self.deadline())
            let other = IncomingPlay(
                title: TitleID(UUIDBits(high: 6, low: 1)), kind: .movie, moment: file[0].moment, percent: nil,
                runtimeMinutes: nil, source: file[0].source)
            #expect(try await stores[1].judge(Self.arrival(user, [other]), until: Self.deadline()).first?.isNew == true)
            let second = try await stores[1].add(Self.arrival(user, [other, file[1]]), until: Self.deadline())
            #expect(second[0].isNew && second[1] == .known(first[1].play))
            #expect(try await Self.history(pool, user).count == 3)
            let roads = try await pool.query(Self.roads)
            #expect(roads.map(\.name) == ["file 0", "file 1"])
            #expect(roads.map(\.play) == first.map(\.play))
        }
    }

    @Test("A file that names a removed play twice leaves one road of it")
    func removedTwice() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let first = try await stores[0].add(Self.arrival(user, Self.file(1)), until: Self.deadline())
            _ = try await stores[0].remove(
                first.map(\.play), by: Self.hand(user), telling: false, until: Self.deadline())
            let twice = Self.file(1, from: "trakt") + Self.file(1, from: "trakt")
            for _ in 0..<2 {
                let again = try await stores[1].add(Self.arrival(user, twice), until: Self.deadline())
                #expect(again == [.removed(first[0].play), .removed(first[0].play)])
            }
            #expect(try await pool.query(Self.roads).map(\.name) == ["file 0", "trakt 0"])
        }
    }

    @Test("A day is the person's own: a moment late in the evening is on it, though UTC has the next one")
    func days() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let late = Timestamp("2026-06-01T22:30:00Z") ?? SystemWallClock().now
            let days = try await stores[0].days(of: [late], in: "Europe/Vienna", until: Self.deadline())
            #expect(days.map(\.description) == ["2026-06-02"])
            let title = TitleID(Self.ids.next())
            func play(_ moment: PlayMoment, _ road: String) -> IncomingPlay {
                IncomingPlay(
                    title: title, kind: .movie, moment: moment, percent: nil, runtimeMinutes: nil,
                    source: PlaySource(name: road, key: "1"))
            }
            let timed = try await stores[0].add(
                Self.arrival(user, [play(.second(late, day: days[0]), "trakt")]), until: Self.deadline())
            let diary = try await stores[0].add(
                Self.arrival(user, [play(.day(days[0]), "letterboxd")]), until: Self.deadline())
            #expect(diary == [.same(timed[0].play)])
            #expect(try await Self.history(pool, user).count == 1)
        }
    }
}

extension PlayVerdict {
    fileprivate var isNew: Bool { if case .new = self { true } else { false } }
}
