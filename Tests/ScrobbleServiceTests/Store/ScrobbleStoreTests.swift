import Contracts
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Sittings and plays in a real Postgres, through replicas that share it.
@Suite struct ScrobbleStoreTests {
    private static let ids = SystemIDSource()

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(20)) }

    private static func withStores(_ body: ([ScrobbleStore], PGPool) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: ScrobbleService.migrations) { pools in
            try await body(pools.map { ScrobbleStore(database: Database(pool: $0)) }, pools[0])
        }
    }

    private static func sitting(of user: UserID, _ title: TitleID) -> Sitting {
        Sitting(
            id: PlaybackSessionID(ids.next()), user: user, title: title, kind: .movie, progressPercent: 0,
            startedAt: SystemWallClock().now)
    }

    private static func count(_ table: StaticString) -> PGStatement<Int> {
        PGStatement("tests.count.\(table)", "SELECT count(*)::bigint FROM \(table)") { row throws(PGError) in
            try row.next(Int.self)
        }
    }

    @Test("A hundred stops of one sitting at once make one play, and all of them are told of it")
    func stops() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let session = try await stores[0].open(
                Self.sitting(of: user, TitleID(Self.ids.next())), until: Self.deadline())
            let outcomes = try await withThrowingTaskGroup(of: StopOutcome?.self) { group in
                for number in 0..<100 {
                    let stop = StopPlayback(store: stores[number % 2], clock: SystemWallClock(), ids: Self.ids)
                    let params = StopPlaybackParams(
                        user: user, session: session.id, progressPercent: Double(80 + number % 20))
                    let context = RPCContext(deadline: Self.deadline(), trace: .root())
                    group.addTask { try await stop.run(params, context) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count == 100)
            #expect(Set(outcomes.compactMap { $0?.play?.id }).count == 1)
            #expect(Set(outcomes.map { $0?.play?.percent }).count == 1)
            #expect(Set(outcomes.map { $0?.play?.watchedAt }).count == 1)
            #expect(Set(outcomes.map { $0?.session.updatedAt }).count == 1)
            #expect(try await pool.first(Self.count("plays")) == 1)
            #expect(try await pool.first(Self.count("play_sources")) == 1)
        }
    }

    @Test("Many players that open one title at once share one sitting")
    func opens() async throws {
        try await Self.withStores { stores, pool in
            let (user, title) = (UserID(Self.ids.next()), TitleID(Self.ids.next()))
            let opened = try await withThrowingTaskGroup(of: PlaybackSessionID.self) { group in
                for number in 0..<50 {
                    let sitting = Self.sitting(of: user, title)
                    group.addTask { try await stores[number % 2].open(sitting, until: Self.deadline()).id }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(opened.count == 1)
            #expect(try await pool.first(Self.count("playback_sessions")) == 1)
            let another = try await stores[0].open(
                Self.sitting(of: UserID(Self.ids.next()), title), until: Self.deadline())
            #expect(!opened.contains(another.id), "a sitting belongs to one person")
        }
    }

    @Test("Opening and stopping one title over and over at once never leaves two open sittings, nor a play too many")
    func opensAndStops() async throws {
        try await Self.withStores { stores, pool in
            let (user, title) = (UserID(Self.ids.next()), TitleID(Self.ids.next()))
            let plays = try await withThrowingTaskGroup(of: PlayID?.self) { group in
                for number in 0..<40 {
                    let store = stores[number % 2]
                    group.addTask {
                        let session = try await store.open(Self.sitting(of: user, title), until: Self.deadline())
                        let stop = ScrobbleStore.Stop(
                            user: user, session: session.id, progressPercent: 90, at: SystemWallClock().now,
                            play: PlayID(Self.ids.next()))
                        return try await store.close(stop, until: Self.deadline())?.play?.id
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(!plays.contains(nil))
            #expect(try await pool.first(Self.count("plays")) == plays.count)
            #expect(try await pool.first(Self.count("playback_sessions")) == plays.count)
        }
    }

    @Test("A stop below the threshold makes no play, and nobody stops another person's sitting")
    func noPlay() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let session = try await stores[0].open(
                Self.sitting(of: user, TitleID(Self.ids.next())), until: Self.deadline())
            let foreign = ScrobbleStore.Stop(
                user: UserID(Self.ids.next()), session: session.id, progressPercent: 99, at: SystemWallClock().now,
                play: PlayID(Self.ids.next()))
            #expect(try await stores[0].close(foreign, until: Self.deadline()) == nil)
            let early = ScrobbleStore.Stop(
                user: user, session: session.id, progressPercent: 10, at: SystemWallClock().now, play: nil)
            let outcome = try #require(try await stores[0].close(early, until: Self.deadline()))
            #expect(outcome.session.state == .stopped)
            #expect(outcome.play == nil)
            #expect(try await pool.first(Self.count("plays")) == 0)
        }
    }
}
