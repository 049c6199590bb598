import Contracts
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Sittings and what they result in, in a real Postgres, through replicas that share it.
@Suite struct PlaybackStoreTests {
    private static let ids = SystemIDSource()

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(20)) }

    private static func withStores(_ body: ([PlaybackStore], PGPool) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: ScrobbleService.migrations) { pools in
            try await body(pools.map { PlaybackStore(database: Database(pool: $0), ids: ids) }, pools[0])
        }
    }

    private static func sitting(of user: UserID, _ title: TitleID) -> Sitting {
        Sitting(
            id: PlaybackSessionID(ids.next()), user: user, title: title, kind: .movie, progressPercent: 0,
            startedAt: SystemWallClock().now, expiresAt: SystemWallClock().now.advanced(by: .seconds(3_600)))
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
                    let stop = PlaybackStore.Stop(
                        user: user, session: session.id, progressPercent: Double(80 + number % 20),
                        at: SystemWallClock().now)
                    group.addTask { try await stores[number % 2].close(stop, until: Self.deadline()) }
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

    @Test(
        "Opening and stopping one title over and over at once leaves no open sitting, and one play"
    )
    func opensAndStops() async throws {
        try await Self.withStores { stores, pool in
            let (user, title) = (UserID(Self.ids.next()), TitleID(Self.ids.next()))
            let plays = try await withThrowingTaskGroup(of: PlayID?.self) { group in
                for number in 0..<40 {
                    let store = stores[number % 2]
                    group.addTask {
                        let session = try await store.open(Self.sitting(of: user, title), until: Self.deadline())
                        let stop = PlaybackStore.Stop(
                            user: user, session: session.id, progressPercent: 90, at: SystemWallClock().now)
                        return try await store.close(stop, until: Self.deadline())?.play?.id
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(plays.count == 1 && !plays.contains(nil))
            #expect(try await pool.first(Self.count("plays")) == 1)
            let open = PGStatement(
                "tests.open", "SELECT count(*) FROM playback_sessions WHERE state <> 'stopped' OR play_id IS NULL"
            ) { row throws(PGError) in try row.next(Int.self) }
            #expect(try await pool.first(open) == 0)
        }
    }

    @Test("Whoever goes on with the credits after a stop has watched once, whoever comes back hours later twice")
    func credits() async throws {
        try await Self.withStores { stores, pool in
            let (user, title) = (UserID(Self.ids.next()), TitleID(Self.ids.next()))
            let start = SystemWallClock().now.advanced(by: .seconds(-90_000))
            for (minute, plays) in [(0, 1), (25, 1), (200, 2)] {
                let at = start.advanced(by: .seconds(minute * 60))
                var sitting = Sitting(
                    id: PlaybackSessionID(Self.ids.next()), user: user, title: title, kind: .movie, progressPercent: 85,
                    startedAt: at, expiresAt: at.advanced(by: .seconds(3_600)))
                sitting.runtimeMinutes = 120
                let session = try await stores[0].open(sitting, until: Self.deadline())
                let stop = PlaybackStore.Stop(user: user, session: session.id, progressPercent: 92, at: at)
                #expect(try await stores[1].close(stop, until: Self.deadline())?.play != nil)
                #expect(try await pool.first(Self.count("plays")) == plays, "after \(minute) minutes")
            }
        }
    }

    @Test("A stop below the threshold makes no play, and nobody stops another person's sitting")
    func noPlay() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let session = try await stores[0].open(
                Self.sitting(of: user, TitleID(Self.ids.next())), until: Self.deadline())
            let foreign = PlaybackStore.Stop(
                user: UserID(Self.ids.next()), session: session.id, progressPercent: 99, at: SystemWallClock().now)
            #expect(try await stores[0].close(foreign, until: Self.deadline()) == nil)
            let early = PlaybackStore.Stop(
                user: user, session: session.id, progressPercent: 10, at: SystemWallClock().now)
            let outcome = try #require(try await stores[0].close(early, until: Self.deadline()))
            #expect(outcome.session.state == .stopped)
            #expect(outcome.play == nil)
            #expect(try await pool.first(Self.count("plays")) == 0)
        }
    }

    private static let connect = PGCommand(
        "tests.connect",
        """
        INSERT INTO scrobble_connections (
            user_id, provider, sync_watch_status, scrobble_threshold_percent, connected_at, updated_at)
        VALUES ($1, $2, true, $3, now(), now())
        """)

    private static let jobs = PGStatement(
        "tests.jobs",
        "SELECT provider, action, payload ->> 'progress_percent' FROM scrobble_queue ORDER BY provider, position"
    ) { row throws(PGError) in
        "\(try row.next(String.self)) \(try row.next(String.self)) \(try row.next(String.self))"
    }

    @Test("What happens to a sitting is queued for each connection with it, by the connection's own threshold")
    func tells() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            try await pool.execute(Self.connect, [.id(user), .text("trakt"), .double(80)])
            try await pool.execute(Self.connect, [.id(user), .text("simkl"), .double(95)])
            let session = try await stores[0].open(
                Self.sitting(of: user, TitleID(Self.ids.next())), until: Self.deadline())
            let now = SystemWallClock().now
            for (state, progress, step) in [
                (PlaybackState.paused, 30.0, PlaybackChange.Step.paused), (.playing, 31, .resumed),
            ] {
                let move = PlaybackStore.Move(
                    user: user, session: session.id, state: state, progressPercent: progress, at: now,
                    expiresAt: now.advanced(by: .seconds(60)), step: step)
                #expect(try await stores[1].move(move, until: Self.deadline())?.state == state)
            }
            let heartbeat = PlaybackStore.Move(
                user: user, session: session.id, state: nil, progressPercent: 60, at: now,
                expiresAt: now.advanced(by: .seconds(60)), step: nil)
            let beaten = try #require(try await stores[1].move(heartbeat, until: Self.deadline()))
            #expect(beaten.state == .playing && beaten.progressPercent == 60)
            let stop = PlaybackStore.Stop(user: user, session: session.id, progressPercent: 90, at: now)
            for store in stores { #expect(try await store.close(stop, until: Self.deadline())?.play?.percent == 90) }
            // Changes that have not been sent yet are replaced by the last one.
            #expect(try await pool.query(Self.jobs) == ["simkl start 31", "trakt stop 90"])
            #expect(try await stores[0].move(heartbeat, until: Self.deadline()) == nil, "it has ended")
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test("A sitting that nobody hears of any more ends at its last place and moment, once, on whichever replica")
    func silence() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let start = SystemWallClock().now.advanced(by: .seconds(-7_200))
            var sessions: [PlaybackSessionID] = []
            for progress in [95.0, 40] {
                let sitting = Sitting(
                    id: PlaybackSessionID(Self.ids.next()), user: user, title: TitleID(Self.ids.next()), kind: .movie,
                    progressPercent: progress, startedAt: start, expiresAt: start.advanced(by: .seconds(60)))
                sessions.append(try await stores[0].open(sitting, until: Self.deadline()).id)
            }
            let open = try await stores[0].open(
                Self.sitting(of: user, TitleID(Self.ids.next())), until: Self.deadline())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        _ = try await stores[number % 2].closeExpired(
                            at: SystemWallClock().now, limit: 100, until: Self.deadline())
                    }
                }
                try await group.waitForAll()
            }
            let stop = PlaybackStore.Stop(
                user: user, session: sessions[0], progressPercent: 1, at: SystemWallClock().now)
            let outcome = try #require(try await stores[1].close(stop, until: Self.deadline()))
            #expect(outcome.play?.percent == 95 && outcome.play?.watchedAt == start)
            // It is created now rather than then: otherwise, a client that asked for changes in between would miss it.
            let late = PGStatement(
                "tests.late", "SELECT count(*) FROM plays WHERE created_at > watched_at + interval '1 hour'"
            ) { row throws(PGError) in try row.next(Int.self) }
            #expect(try await pool.first(late) == 1)
            #expect(try await pool.first(Self.count("plays")) == 1)
            let now = try await stores[0].now(
                of: user, at: SystemWallClock().now, limit: 10, until: Self.deadline())
            #expect(now.map(\.id) == [open.id])
        }
    }

    @Test("A sitting that cannot be ended holds up none of those after it, however few are looked up at a time")
    func oneThatFails() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let start = SystemWallClock().now.advanced(by: .seconds(-7_200))
            var failing: [PlaybackSessionID] = []
            try await pool.execute(
                PGCommand(
                    "tests.refuse", "ALTER TABLE plays ADD CONSTRAINT refused CHECK (percent <> 95)", kind: .solo))
            for number in 0..<5 {
                let sitting = Sitting(
                    id: PlaybackSessionID(Self.ids.next()), user: user, title: TitleID(Self.ids.next()), kind: .movie,
                    progressPercent: number < 2 ? 95 : 90, startedAt: start,
                    expiresAt: start.advanced(by: .seconds(number)))
                let session = try await stores[0].open(sitting, until: Self.deadline())
                if number < 2 { failing.append(session.id) }
            }
            let expiry = try await stores[1].closeExpired(
                at: SystemWallClock().now, limit: 2, until: Self.deadline())
            #expect(expiry.ended == 3)
            #expect(Set(expiry.failed.keys) == Set(failing))
            #expect(try await pool.first(Self.count("plays")) == 3)
            // They are tried again the next time.
            let again = try await stores[0].closeExpired(at: SystemWallClock().now, limit: 2, until: Self.deadline())
            #expect(again.ended == 0 && again.failed.count == 2)
        }
    }

    /// Previously, the day could not be determined, and the sitting was retried, with a warning, every 30 seconds
    /// forever.
    @Test("A sitting whose time zone is not known any more ends all the same, by the day of UTC")
    func unknownZone() async throws {
        try await Self.withStores { stores, pool in
            let user = UserID(Self.ids.next())
            let start = SystemWallClock().now.advanced(by: .seconds(-7_200))
            var sessions: [PlaybackSessionID] = []
            for life in [60, 36_000] {
                var sitting = Sitting(
                    id: PlaybackSessionID(Self.ids.next()), user: user, title: TitleID(Self.ids.next()), kind: .movie,
                    progressPercent: 95, startedAt: start, expiresAt: start.advanced(by: .seconds(life)))
                sitting.timeZone = "Atlantis/Poseidonis"
                sessions.append(try await stores[0].open(sitting, until: Self.deadline()).id)
            }
            for ended in [1, 0] {
                let expiry = try await stores[1].closeExpired(
                    at: SystemWallClock().now, limit: 2, until: Self.deadline())
                #expect(expiry.ended == ended && expiry.failed.isEmpty)
            }
            // The same holds for a sitting that its player ends.
            for session in sessions {
                let stop = PlaybackStore.Stop(user: user, session: session, progressPercent: 95, at: start)
                let play = try await stores[0].close(stop, until: Self.deadline())?.play
                #expect(play?.watchedAt == start)
            }
            #expect(try await pool.first(Self.count("plays")) == 2)
        }
    }

    private struct FixedClock: WallClock { let now: Timestamp }

    @Test("Whoever goes on with a long film has until its end, and not three hours", arguments: [nil, 240] as [Int?])
    func longFilm(minutes: Int?) async throws {
        try await Self.withStores { stores, pool in
            let (user, start) = (UserID(Self.ids.next()), SystemWallClock().now)
            var sitting = Self.sitting(of: user, TitleID(Self.ids.next()))
            sitting.runtimeMinutes = minutes
            let session = try await stores[0].open(sitting, until: Self.deadline())
            let queue = QueueWorker(
                id: Self.ids.next(), store: QueueStore(database: Database(pool: pool)), writers: [:])
            let mover = SittingMover(store: stores[1], queue: queue, clock: FixedClock(now: start))
            _ = try await ResumePlayback(mover: mover).run(
                ResumePlaybackParams(user: user, session: session.id, progressPercent: 10),
                RPCContext(deadline: Self.deadline(), trace: .root()))
            let left = try await pool.first(
                PGStatement(
                    "tests.left",
                    "SELECT extract(epoch FROM expires_at - $1::timestamptz)::bigint FROM playback_sessions"
                ) {
                    row throws(PGError) in try row.next(Int.self)
                }, [.moment(start)])
            #expect(left == (minutes ?? 180) * 60 * 9 / 10 + 1_800)
        }
    }

    @Test("A player that tells where it is while it stands still has a day, one that plays a quarter of an hour")
    func heartbeats() async throws {
        try await Self.withStores { stores, pool in
            let (user, start) = (UserID(Self.ids.next()), SystemWallClock().now)
            let session = try await stores[0].open(
                Self.sitting(of: user, TitleID(Self.ids.next())), until: Self.deadline())
            let queue = QueueWorker(
                id: Self.ids.next(), store: QueueStore(database: Database(pool: pool)), writers: [:])
            let mover = SittingMover(store: stores[1], queue: queue, clock: FixedClock(now: start))
            let context = RPCContext(deadline: Self.deadline(), trace: .root())
            let left = PGStatement(
                "tests.patience",
                "SELECT extract(epoch FROM expires_at - $1::timestamptz)::bigint FROM playback_sessions"
            ) { row throws(PGError) in try row.next(Int.self) }
            func beat() async throws -> Int? {
                _ = try await HeartbeatPlayback(mover: mover).run(
                    HeartbeatPlaybackParams(user: user, session: session.id, progressPercent: 40), context)
                return try await pool.first(left, [.moment(start)])
            }
            #expect(try await beat() == 900)
            _ = try await PausePlayback(mover: mover).run(
                PausePlaybackParams(user: user, session: session.id, progressPercent: 40), context)
            #expect(try await beat() == 86_400)
            _ = try await ResumePlayback(mover: mover).run(
                ResumePlaybackParams(user: user, session: session.id), context)
            #expect(try await beat() == 900)
        }
    }

    @Test("A person's own threshold holds from the next sitting on")
    func thresholds() async throws {
        try await Self.withStores { stores, _ in
            let user = UserID(Self.ids.next())
            let before = try await stores[0].open(
                Self.sitting(of: user, TitleID(Self.ids.next())), until: Self.deadline())
            #expect(try await stores[0].threshold(of: user, until: Self.deadline()) == .standard)
            let isSet = try await stores[0].setThreshold(
                WatchThreshold(percent: 50), of: user, where: nil, until: Self.deadline())
            #expect(isSet)
            #expect(try await stores[1].threshold(of: user, until: Self.deadline()).percent == 50)
            let after = try await stores[1].open(
                Self.sitting(of: user, TitleID(Self.ids.next())), until: Self.deadline())
            for (session, isPlay) in [(before, false), (after, true)] {
                let stop = PlaybackStore.Stop(
                    user: user, session: session.id, progressPercent: 50, at: SystemWallClock().now)
                let outcome = try #require(try await stores[0].close(stop, until: Self.deadline()))
                #expect((outcome.play != nil) == isPlay)
            }
        }
    }

    @Test("Of twenty who set a threshold that they all have seen one does, whether it was set before or not")
    func seenThresholds() async throws {
        try await Self.withStores { stores, _ in
            let user = UserID(Self.ids.next())
            var seen = WatchThreshold.standard
            for round in 0..<10 {
                let expected = seen
                let winners = try await withThrowingTaskGroup(of: Double?.self) { group in
                    for number in 0..<20 {
                        let percent = Double(1 + number + 20 * (round % 2))
                        group.addTask {
                            let isSet = try await stores[number % 2].setThreshold(
                                WatchThreshold(percent: percent), of: user, where: expected, until: Self.deadline())
                            return isSet ? percent : nil
                        }
                    }
                    return try await group.reduce(into: [Double]()) { found, next in
                        if let next { found.append(next) }
                    }
                }
                #expect(winners.count == 1)
                seen = try await stores[0].threshold(of: user, until: Self.deadline())
                #expect(winners == [seen.percent])
            }
            // A person without a threshold has the general one, and nothing else.
            let other = UserID(Self.ids.next())
            let isSet = try await stores[0].setThreshold(
                WatchThreshold(percent: 50), of: other, where: WatchThreshold(percent: 60), until: Self.deadline())
            #expect(!isSet)
            #expect(try await stores[1].threshold(of: other, until: Self.deadline()) == .standard)
        }
    }
}
