import AsyncHTTPClient
import Contracts
import Cryptography
import NIOPosix
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// From a sitting to a play in a remote account: the real worker and writer against an emulated Trakt.
@Suite(.serialized) struct DeliveryTests {
    private static let ids = SystemIDSource()

    private struct Setting {
        let pool: PGPool
        let queue: QueueStore
        let playback: PlaybackStore
        let ledger: LedgerStore
        let connections: ConnectionStore
        let worker: QueueWorker
        let trakt: TraktAccounts
        let desk: ControlDesk
        let lane = QueueTest.lane()
    }

    private static func run(
        _ limits: QueueLimits = QueueTest.quick, _ body: @escaping @Sendable (Setting) async throws -> Void
    ) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let pool = pools[0]
            try await RunningUpstreams.run { upstreams in
                let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
                let database = Database(pool: pool)
                let sealer = Sealer(try KeyRing(parsing: KeyRing.makeLine(id: "test")))
                let connections = ConnectionStore(database: database, sealer: sealer)
                let http = TraktTest.http(upstreams, client)
                let writer = TraktWriter(
                    http: http,
                    titles: { titles in
                        Dictionary(
                            titles.map { ($0, ExternalIds(trakt: Int($0.uuid.low % 1_000_000))) }
                        ) { first, _ in first }
                    },
                    tokens: TokenKeeper(
                        store: connections, issuer: TraktIssuer(http: http, clock: SystemWallClock()),
                        clock: SystemWallClock()),
                    allowance: FreeReads(), clock: SystemWallClock(), pace: .milliseconds(1))
                let queue = QueueStore(database: database, limits: limits)
                let setting = Setting(
                    pool: pool, queue: queue, playback: PlaybackStore(database: database, ids: ids),
                    ledger: LedgerStore(database: database, ids: ids), connections: connections,
                    worker: QueueWorker(id: ids.next(), store: queue, writers: [.trakt: writer]),
                    trakt: upstreams.server.traktAccounts, desk: upstreams.server.desk)
                setting.trakt.behaveQuickly()
                try await TraktTest.connect(setting.lane, as: "demo-alice", in: connections)
                do { try await body(setting) } catch {
                    try await client.shutdown()
                    throw error
                }
                try await client.shutdown()
            }
        }
    }

    private static func watch(_ setting: Setting, to progress: Double) async throws {
        let now = SystemWallClock().now
        let sitting = Sitting(
            id: PlaybackSessionID(ids.next()), user: setting.lane.user, title: TitleID(ids.next()), kind: .movie,
            progressPercent: 0, startedAt: now, expiresAt: now.advanced(by: .seconds(3_600)))
        let session = try await setting.playback.open(sitting, until: QueueTest.deadline())
        let stop = PlaybackStore.Stop(
            user: setting.lane.user, session: session.id, progressPercent: progress, at: SystemWallClock().now)
        _ = try await setting.playback.close(stop, until: QueueTest.deadline())
        setting.worker.announce()
    }

    /// Adds films and episodes in turn, a day apart, with gaps.
    private static func add(_ count: Int, isByHand: Bool, in setting: Setting) async throws -> [PlayVerdict] {
        let start = SystemWallClock().now.advanced(by: .seconds(-400 * 86_400))
        let plays = (0..<count).map { number in
            let at = start.advanced(by: .seconds((number + number / 8 * 30) * 86_400))
            return IncomingPlay(
                title: TitleID(ids.next()), kind: number % 2 == 0 ? .movie : .episode,
                moment: .second(at, day: at.date), percent: nil, runtimeMinutes: nil,
                source: PlaySource(name: PlayMatcher.byHand, key: "\(number)"))
        }
        let arrival = LedgerStore.Arrival(
            user: setting.lane.user, timeZone: "UTC", batch: nil, at: SystemWallClock().now, isByHand: isByHand,
            plays: plays, telling: true)
        return try await setting.ledger.add(arrival, until: QueueTest.deadline())
    }

    private static func remove(
        _ plays: ArraySlice<PlayVerdict>, _ authority: LedgerAuthority, in setting: Setting
    ) async throws {
        let writer = LedgerWriter(
            user: setting.lane.user, source: LedgerWriter.byPerson, batch: nil, at: SystemWallClock().now,
            authority: authority)
        _ = try await setting.ledger.remove(
            plays.map(\.play), by: writer, telling: true, until: QueueTest.deadline())
    }

    @Test("A film that is watched to its end is a play at Trakt, one that is not is none")
    func scrobbles() async throws {
        try await Self.run { setting in
            try await Self.watch(setting, to: 96.5)
            try await Self.watch(setting, to: 40)
            let isDone = try await QueueTest.work([setting.worker]) {
                try await setting.pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            #expect(setting.trakt.plays.map(\.action) == ["scrobble"])
            #expect(try await QueueTest.outcomes(setting.pool).keys.allSatisfy { $0.hasPrefix("done") })
        }
    }

    @Test(
        "Plays that are written down, and removed again, with lost replies and a busy Trakt: each is there once or not at all",
        arguments: [true, false])
    func history(isByHand: Bool) async throws {
        try await Self.run { setting in
            setting.trakt.behaveQuickly {
                $0.lostReplyPercent = 25
                $0.lostRequestPercent = 15
            }
            let verdicts = try await Self.add(30, isByHand: isByHand, in: setting)
            let isAdded = try await QueueTest.work([setting.worker]) {
                try await setting.pool.first(QueueTest.waiting) == 0
            }
            #expect(isAdded)
            #expect(setting.trakt.plays.count == 30)
            try await Self.remove(verdicts.prefix(10), isByHand ? .person : .plan, in: setting)
            let isRemoved = try await QueueTest.work([setting.worker]) {
                try await setting.pool.first(QueueTest.waiting) == 0
            }
            #expect(isRemoved)
            #expect(setting.trakt.plays.count == 20)
            #expect(try await QueueTest.outcomes(setting.pool).keys.allSatisfy { $0.hasPrefix("done") })
        }
    }

    @Test(
        "Plays that are written down or removed together are told together, whether a sync or one click did it",
        arguments: [true, false])
    func together(isByHand: Bool) async throws {
        try await Self.run { setting in
            let verdicts = try await Self.add(60, isByHand: isByHand, in: setting)
            let isAdded = try await QueueTest.work([setting.worker]) {
                try await setting.pool.first(QueueTest.waiting) == 0
            }
            #expect(isAdded)
            #expect(setting.trakt.plays.count == 60)
            #expect(setting.trakt.writeCounts["sync/history", default: 0] <= 3)
            try await Self.remove(verdicts.prefix(50), isByHand ? .person : .plan, in: setting)
            let isRemoved = try await QueueTest.work([setting.worker]) {
                try await setting.pool.first(QueueTest.waiting) == 0
            }
            #expect(isRemoved)
            #expect(setting.trakt.plays.count == 10)
            #expect(setting.trakt.writeCounts["sync/history/remove", default: 0] <= 3)
        }
    }

    private static func play(_ title: TitleID, _ moment: PlayMoment) -> IncomingPlay {
        IncomingPlay(
            title: title, kind: .movie, moment: moment, percent: nil, runtimeMinutes: nil,
            source: PlaySource(name: PlayMatcher.byHand, key: "\(title)"))
    }

    private static func add(
        _ play: IncomingPlay, isByHand: Bool, in setting: Setting
    ) async throws -> PlayID {
        let arrival = LedgerStore.Arrival(
            user: setting.lane.user, timeZone: "UTC", batch: nil, at: SystemWallClock().now, isByHand: isByHand,
            plays: [play], telling: true)
        return try #require(try await setting.ledger.add(arrival, until: QueueTest.deadline()).first).play
    }

    private static func takeOut(_ play: PlayID, in setting: Setting) async throws {
        _ = try await setting.ledger.remove(
            [play], by: .person(setting.lane.user, at: SystemWallClock().now), telling: true,
            until: QueueTest.deadline())
    }

    private static func deliver(_ setting: Setting) async throws {
        let isDone = try await QueueTest.work([setting.worker]) {
            try await setting.pool.first(QueueTest.waiting) == 0
        }
        #expect(isDone)
    }

    /// Previously, anything beyond the first page was taken to be missing: sent twice, or not removed.
    @Test("However few rows a page there holds, what arrived is found, and what is to go goes")
    func shortPages() async throws {
        try await Self.run { setting in
            setting.trakt.behaveQuickly {
                $0.lostReplyPercent = 50
                $0.pageMax = 3
            }
            let verdicts = try await Self.add(30, isByHand: true, in: setting)
            try await Self.deliver(setting)
            #expect(setting.trakt.plays.count == 30)
            try await Self.remove(verdicts.prefix(10), .person, in: setting)
            try await Self.deliver(setting)
            #expect(setting.trakt.plays.count == 20)
        }
    }

    /// An undated play may be anywhere, so everything has to be read. Previously, if that took longer than a call may,
    /// it was restarted for a month while the connection waited.
    @Test("A play without a date that cannot be looked for within a call is given up, and what is behind it goes on")
    func longHistory() async throws {
        try await Self.run { setting in
            for _ in 0..<30 {
                _ = try await Self.add(Self.play(TitleID(Self.ids.next()), .unknown), isByHand: true, in: setting)
            }
            try await Self.deliver(setting)
            setting.trakt.behaveQuickly {
                $0.lostReplyPercent = 100
                $0.pageMax = 3
            }
            setting.desk.setLatency(.milliseconds(150), of: .trakt)
            let at = SystemWallClock().now.advanced(by: .seconds(-30 * 86_400))
            for moment in [PlayMoment.unknown, .second(at, day: at.date)] {
                _ = try await Self.add(Self.play(TitleID(Self.ids.next()), moment), isByHand: true, in: setting)
            }
            try await Self.deliver(setting)
            let outcomes = try await QueueTest.outcomes(setting.pool)
            #expect(outcomes["dead: the history is too long to search"] == 1, "\(outcomes)")
            #expect(outcomes["done: found there"] == 1, "\(outcomes)")
        }
    }

    @Test("A play that is known to the day goes there as well when it is taken out here")
    func days() async throws {
        try await Self.run { setting in
            let day = try #require(CalendarDate("2024-03-09"))
            let play = try await Self.add(Self.play(TitleID(Self.ids.next()), .day(day)), isByHand: true, in: setting)
            try await Self.deliver(setting)
            #expect(setting.trakt.plays.count == 1)
            try await Self.takeOut(play, in: setting)
            try await Self.deliver(setting)
            #expect(setting.trakt.plays.isEmpty)
        }
    }

    @Test("A play that is edited, or taken out, while it still waits to be told is there once, or not at all")
    func overtaking() async throws {
        try await Self.run { setting in
            let early = try #require(Timestamp("2024-03-09T20:00:00Z"))
            let late = try #require(Timestamp("2024-05-01T20:00:00Z"))
            let edited = try await Self.add(
                Self.play(TitleID(Self.ids.next()), .second(early, day: early.date)), isByHand: false, in: setting)
            let gone = try await Self.add(
                Self.play(TitleID(Self.ids.next()), .second(early, day: early.date)), isByHand: false, in: setting)
            _ = try await setting.ledger.edit(
                edited, to: .second(late, day: late.date), timeZone: "UTC",
                by: .person(setting.lane.user, at: SystemWallClock().now), until: QueueTest.deadline())
            try await Self.takeOut(gone, in: setting)
            try await Self.deliver(setting)
            #expect(setting.trakt.plays.map(\.watchedAt) == ["2024-05-01T20:00:00.000Z"])
        }
    }

    @Test("A play that is taken out and put back is there again, once, however far the word of it had come")
    func puttingBack() async throws {
        for isDelivered in [true, false] {
            try await Self.run { setting in
                let at = try #require(Timestamp("2024-03-09T20:00:00Z"))
                let incoming = Self.play(TitleID(Self.ids.next()), .second(at, day: at.date))
                let play = try await Self.add(incoming, isByHand: true, in: setting)
                try await Self.deliver(setting)
                try await Self.takeOut(play, in: setting)
                if isDelivered {
                    try await Self.deliver(setting)
                    #expect(setting.trakt.plays.isEmpty)
                }
                #expect(try await Self.add(incoming, isByHand: true, in: setting) == play)
                try await Self.deliver(setting)
                #expect(setting.trakt.plays.count == 1)
            }
        }
    }

    @Test("A batch that is taken back goes there too, whether it was told already or waits")
    func undoing() async throws {
        for isDelivered in [true, false] {
            try await Self.run { setting in
                let user = setting.lane.user
                let batches = BatchStore(database: Database(pool: setting.pool), ids: Self.ids)
                let (batch, now) = (BatchID(Self.ids.next()), SystemWallClock().now)
                try await batches.open(
                    batch, of: user, source: "mark", label: nil, as: .applying, at: now, until: QueueTest.deadline())
                let arrival = LedgerStore.Arrival(
                    user: user, timeZone: "UTC", batch: batch, at: now, isByHand: true,
                    plays: (0..<5).map { _ in Self.play(TitleID(Self.ids.next()), .second(now, day: now.date)) },
                    telling: true)
                _ = try await setting.ledger.add(arrival, until: QueueTest.deadline())
                if isDelivered { try await Self.deliver(setting) }
                #expect(setting.trakt.plays.count == (isDelivered ? 5 : 0))
                for state in [BatchState.applied, .undoing] {
                    try await batches.advance(batch, of: user, to: state, at: now, until: QueueTest.deadline())
                }
                var place: TouchedItem?
                repeat {
                    place = try await batches.undoSome(
                        of: batch, user, after: place, at: now, until: QueueTest.deadline())
                } while place != nil
                try await Self.deliver(setting)
                #expect(setting.trakt.plays.isEmpty)
            }
        }
    }

    @Test("A connection without a usable token waits for its person and goes on when there is one")
    func tokens() async throws {
        try await Self.run { setting in
            try await TraktTest.connect(setting.lane, as: "revoked", in: setting.connections)
            try await Self.watch(setting, to: 96.5)
            let state = PGStatement("tests.state", "SELECT state FROM scrobble_connections") { row throws(PGError) in
                try row.next(String.self)
            }
            let hasStopped = try await QueueTest.work([setting.worker]) {
                try await setting.pool.first(state) == "needs_reauth"
            }
            #expect(hasStopped)
            #expect(try await setting.pool.first(QueueTest.waiting) != 0, "nothing is thrown away")
            try await TraktTest.connect(setting.lane, as: "demo-alice", in: setting.connections)
            try await setting.queue.pause(setting.lane, false, until: QueueTest.deadline())
            let isDone = try await QueueTest.work([setting.worker]) {
                try await setting.pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            #expect(setting.trakt.plays.count == 1)
        }
    }
}
