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

/// Whole syncs with the emulated Simkl: the library once, then only changes, and never an unproven removal.
@Suite struct SimklSyncTests {
    struct Setting: Sendable {
        let pool: PGPool
        let store: SyncStore
        let connections: ConnectionStore
        let ledger: LedgerStore
        let shelves: ShelfStore
        let batches: BatchStore
        let queue: QueueStore
        let mirror: SimklMirrorStore
        let http: SimklHTTP
        let upstreams: RunningUpstreams
        let book = NeighbourBook()
        let user = UserID(SystemIDSource().next())

        var simkl: SimklAccounts { upstreams.server.simklAccounts }
        var lane: LaneKey { LaneKey(user: user, provider: .simkl) }
        var items: [Int: SimklAccounts.Item] { simkl.items(of: "demo-alice") }
        var tokens: TokenKeeper {
            TokenKeeper(
                store: connections, issuer: SimklIssuer(http: http, clock: SystemWallClock()), clock: SystemWallClock())
        }

        /// From 1,000 on, the thousands are the show, and the rest is the episode of its first season.
        static func query(_ title: TitleID) -> TitleQuery {
            let number = NeighbourBook.number(title)
            // The catalogue's own numbers of shows.
            if number >= 600_000_000 { return TitleQuery(kind: .series, ids: ExternalIds(simkl: number)) }
            guard number >= 1_000 else { return TitleQuery(kind: .movie, ids: ExternalIds(simkl: number)) }
            return TitleQuery(
                kind: .episode, ids: ExternalIds(), seriesIds: ExternalIds(simkl: number / 1_000), seasonNumber: 1,
                episodeNumber: number % 1_000)
        }

        func queueWorker() -> QueueWorker {
            let writer = SimklWriter(
                http: http,
                titles: { titles in
                    Dictionary(uniqueKeysWithValues: titles.map { ($0, Self.query($0)) })
                },
                standing: { [ledger] in try? await ledger.standing(behind: $1, of: $0, until: QueueTest.deadline()) },
                mirror: mirror, tokens: tokens, clock: SystemWallClock(), pace: .milliseconds(1))
            return QueueWorker(id: SystemIDSource().next(), store: queue, writers: [.simkl: writer])
        }

        /// Runs one sync, from the request until the queue is empty; returns the run.
        @discardableResult
        func sync(confirms: BatchID? = nil) async throws -> SyncRun {
            // No two things happen there within the same second.
            simkl.pass(seconds: 2)
            let id = try #require(
                try await store.open(
                    lane, isDry: false, confirms: confirms, at: SystemWallClock().now, until: QueueTest.deadline()))
            let worker = SyncWorker(
                store: store, connections: connections, ledger: ledger, shelves: shelves, batches: batches,
                queue: queueWorker(),
                readers: [
                    .simkl: SimklReader(
                        http: http, tokens: tokens, mirror: mirror, allowance: store, clock: SystemWallClock())
                ], neighbours: book, clock: SystemWallClock(), ids: SystemIDSource())
            await worker.turn()
            try await QueueTest.work([queueWorker()]) { try await pool.query(QueueTest.waiting) == [0] }
            try await store.settleQueued(of: user, until: QueueTest.deadline())
            simkl.pass(seconds: 2)
            return try #require(
                try await store.runs(of: user, id, after: .newest, limit: 1, until: QueueTest.deadline()).first)
        }

        func want(_ policies: [SyncFacet: FacetPolicy]) async throws {
            try await connections.change(
                lane, ConnectionStore.Change(isEnabled: true, policies: policies), at: SystemWallClock().now,
                until: QueueTest.deadline())
        }

        /// Makes a change as the person on the remote side, two seconds after the one before.
        func there(_ simkl: Int, _ change: (inout SimklAccounts.Item) -> Void) {
            self.simkl.pass(seconds: 2)
            self.simkl.change("demo-alice", simkl, change)
        }

        func rateThere(_ simkl: Int, _ rating: Int?) {
            there(simkl) { item in
                item.status = "completed"
                (item.rating, item.ratedAt) = (rating, rating == nil ? nil : "2026-01-01T00:00:00Z")
            }
        }

        /// Expires the record that our writes may still lag.
        func letLagEnd() async throws {
            _ = try await pool.execute(
                PGCommand("tests.lag", "UPDATE sync_base SET written_at = written_at - interval '1 day'"), [])
            _ = try await pool.execute(
                PGCommand("tests.done", "UPDATE queue_outcomes SET finished_at = finished_at - interval '1 day'"), [])
        }

        func calls(after sequence: Int) -> [String] {
            upstreams.server.desk.book(provider: .simkl, after: sequence).entries.map {
                "\($0.request.method) \($0.request.path)\($0.request.query("date_from") == nil ? "" : " since")"
            }
        }
        var lastCall: Int { upstreams.server.desk.book(provider: .simkl).entries.last?.sequence ?? 0 }

        func listed() async throws -> Set<Int> {
            let items = try await shelves.page(
                of: user, as: WatchlistDetails.self, after: .newest, kinds: nil, limit: 100, until: QueueTest.deadline()
            )
            return Set(items.map { NeighbourBook.number($0.item.title) })
        }

        func statuses() async throws -> [Int: WishStatus] {
            let items = try await shelves.page(
                of: user, as: WatchlistDetails.self, after: .newest, kinds: nil, limit: 100, until: QueueTest.deadline()
            )
            return Dictionary(
                uniqueKeysWithValues: items.map { (NeighbourBook.number($0.item.title), $0.item.details.status) })
        }

        func list(_ number: Int) async throws {
            let item = ShelfItem(
                title: NeighbourBook.title(number), kind: .movie, at: SystemWallClock().now,
                details: WatchlistDetails())
            _ = try await shelves.put(
                [item], by: .person(user, at: SystemWallClock().now), until: QueueTest.deadline())
        }

        func play(_ number: Int, _ moment: String) async throws {
            let at = try #require(Timestamp(moment))
            _ = try await ledger.add(
                LedgerStore.Arrival(
                    user: user, timeZone: "UTC", batch: nil, at: SystemWallClock().now, isByHand: false,
                    plays: [
                        IncomingPlay(
                            title: NeighbourBook.title(number), kind: .movie, moment: .second(at, day: at.date),
                            percent: nil, runtimeMinutes: nil,
                            source: PlaySource(name: "manual", key: "\(number) \(moment)"))
                    ], telling: false), until: QueueTest.deadline())
        }

        func played() async throws -> [Int: Int] {
            let plays = try await store.plays(of: user, until: QueueTest.deadline()).filter { !$0.isRemoved }
            return Dictionary(grouping: plays) { NeighbourBook.number($0.title) }.mapValues(\.count)
        }
    }

    static func run(_ body: @escaping @Sendable (Setting) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let pool = pools[0]
            try await RunningUpstreams.run { upstreams in
                let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
                let database = Database(pool: pool)
                let ids = SystemIDSource()
                let setting = Setting(
                    pool: pool, store: SyncStore(database: database, ids: ids),
                    connections: ConnectionStore(
                        database: database, sealer: Sealer(try KeyRing(parsing: KeyRing.makeLine(id: "test")))),
                    ledger: LedgerStore(database: database, ids: ids), shelves: ShelfStore(database: database),
                    batches: BatchStore(database: database, ids: ids),
                    queue: QueueStore(database: database, limits: QueueTest.quick),
                    mirror: SimklMirrorStore(database: database),
                    http: SimklHTTP(
                        settings: SimklHTTP.Settings(
                            url: upstreams.url(.simkl), siteURL: upstreams.url(.simkl),
                            redirectURI: "http://127.0.0.1:8080/oauth/simkl/callback",
                            clientID: Secret(SimklEmulator.clientID), clientSecret: nil,
                            version: "1.0"), holds: HoldStore(database: database), client: client),
                    upstreams: upstreams)
                upstreams.server.simklAccounts.behave { $0.writeMilliseconds = 0 }
                let now = SystemWallClock().now
                var outcome: (any Error)?
                do {
                    try await setting.connections.connect(
                        setting.lane,
                        AccountTokens(
                            access: Secret("demo-alice"), refresh: nil, issuedAt: now,
                            expiresAt: now.advanced(by: .seconds(157_680_000))), usesSecret: false,
                        until: QueueTest.deadline())
                    _ = try await setting.connections.confirm(
                        setting.lane, RemoteAccount(key: "demo-alice", name: "demo-alice"), connectedAt: now,
                        until: QueueTest.deadline())
                    try await body(setting)
                } catch { outcome = error }
                try await client.shutdown()
                if let outcome { throw outcome }
            }
        }
    }

    private static let both = FacetPolicy(direction: .both)

    @Test("First contact reads three groups once, adds both ways, removes nothing; afterwards no news costs one call")
    func firstContact() async throws {
        try await Self.run { test in
            try await test.want([.ratings: Self.both, .watchlist: Self.both])
            test.rateThere(1, 9)
            test.there(2) { $0.status = "plantowatch" }
            test.book.rate(3, 75)
            let before = test.lastCall
            let run = try await test.sync()
            #expect(run.state == .done && run.failed == 0, "\(run)")
            #expect(test.book.rated == [1: 90, 3: 75])
            #expect(try await test.listed() == [2])
            #expect(test.items[3]?.rating == 8, "8 there is 7.5 here")
            #expect(
                Array(test.calls(after: before).prefix(4)) == [
                    "GET /sync/activities", "GET /sync/all-items/shows", "GET /sync/all-items/anime",
                    "GET /sync/all-items/movies",
                ])
            // Our own writes are read once more, from the point that the previous reading had reached.
            try await test.letLagEnd()
            let then = test.lastCall
            _ = try await test.sync()
            #expect(test.calls(after: then) == ["GET /sync/activities", "GET /sync/all-items since"])
            let last = test.lastCall
            let idle = try await test.sync()
            #expect(idle.changesHere == 0 && idle.changesThere == 0)
            #expect(test.calls(after: last) == ["GET /sync/activities"])
        }
    }

    @Test("Changes come by their date; what left the lists there is found by its number and leaves here")
    func changes() async throws {
        try await Self.run { test in
            try await test.want([.ratings: Self.both])
            for number in 1...5 { test.rateThere(number, 5) }
            try await test.sync()
            try await test.letLagEnd()
            _ = try await test.sync()
            test.rateThere(2, 10)
            test.rateThere(3, nil)
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 4)
            let before = test.lastCall
            try await test.sync()
            #expect(
                test.calls(after: before) == [
                    "GET /sync/activities", "GET /sync/all-items since", "GET /sync/all-items/movies",
                ])
            #expect(test.book.rated == [1: 50, 2: 100, 5: 50])
        }
    }

    @Test(
        "500, an empty answer, null and pages of a proxy, in the middle of a reading too: nothing is removed on either side",
        arguments: ["500", "nothing", "null", "page", "half"])
    func storms(_ kind: String) async throws {
        try await Self.run { test in
            try await test.want([.ratings: Self.both, .watchlist: Self.both, .history: Self.both])
            for number in 1...20 {
                test.there(number) { item in
                    item.status = "completed"
                    item.lastWatchedAt = "2025-01-02T03:04:05Z"
                    (item.rating, item.ratedAt) = (7, "2026-01-01T00:00:00Z")
                }
            }
            test.there(30) { $0.status = "plantowatch" }
            try await test.sync()
            try await test.letLagEnd()
            try await test.sync()
            let (rated, listed, played) = (test.book.rated, try await test.listed(), try await test.played())
            #expect(rated.count == 20 && listed == [30] && played.count == 20)
            // One item changes, one leaves, and every reading of it fails.
            test.rateThere(1, 8)
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 20)
            switch kind {
            case "500":
                _ = test.upstreams.server.desk.add(
                    Fault(provider: .simkl, kind: .status, path: "/sync/all", status: 500))
            case "nothing": test.simkl.behave { $0.showsNothing = true }
            case "null":
                test.simkl.behave {
                    $0.showsNothing = true
                    $0.emptyIsNull = true
                }
            case "page":
                _ = test.upstreams.server.desk.add(
                    Fault(provider: .simkl, kind: .html, path: "/sync/all", status: 200))
            default:
                _ = test.upstreams.server.desk.add(
                    Fault(provider: .simkl, kind: .truncated, path: "/sync/all-items/movies"))
            }
            for _ in 0..<2 {
                let run = try await test.sync()
                #expect(run.state == (["nothing", "null"].contains(kind) ? .done : .failed), "\(kind): \(run)")
                #expect(run.changesHere == 0 && run.changesThere == 0, "\(kind): \(run)")
            }
            #expect(test.book.rated.count == 20, "\(kind)")
            #expect(try await test.listed() == listed, "\(kind)")
            #expect(try await test.played() == played, "\(kind)")
            #expect(test.items.count == 20, "\(kind): what was there, less what its person took off")
            // The fault passes, and what happened in the meantime comes in.
            test.upstreams.server.desk.clearFaults(.simkl)
            test.simkl.behave {
                $0.showsNothing = false
                $0.emptyIsNull = false
            }
            try await test.sync()
            #expect(test.book.rated[1] == 80 && test.book.rated[20] == nil, "\(kind)")
        }
    }

    @Test(
        "Many that left at once are asked for a second time before they go here; a short list of numbers takes nothing")
    func shortList() async throws {
        try await Self.run { test in
            try await test.want([.ratings: Self.both])
            for number in 1...40 { test.rateThere(number, 5) }
            try await test.sync()
            try await test.letLagEnd()
            try await test.sync()
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 1)
            // Twenty are left out, once.
            test.simkl.behave { $0.hidden = Set(2...21) }
            let first = try await test.sync()
            #expect(first.state == .held && first.held == 21 && test.book.rated.count == 40)
            test.simkl.behave { $0.hidden = [] }
            let second = try await test.sync()
            #expect(second.state == .done && second.changesHere == 1, "\(second)")
            #expect(test.book.rated.count == 39 && test.book.rated[1] == nil)
        }
    }

    @Test("A rating here files the film there as watched at that moment: that is no play, then and later")
    func filed() async throws {
        try await Self.run { test in
            try await test.want([.ratings: Self.both, .history: Self.both])
            test.book.rate(1, 80)
            try await test.sync()
            #expect(test.items[1]?.status == "completed" && test.items[1]?.lastWatchedAt != nil)
            let second = try await test.sync()
            #expect(second.changesHere == 0 && second.changesThere == 0, "\(second)")
            // Long after the queue has forgotten that it sent the rating.
            try await test.letLagEnd()
            _ = try await test.pool.execute(PGCommand("tests.forget", "DELETE FROM queue_outcomes"), [])
            test.there(1) { $0.rating = 9 }
            try await test.sync()
            #expect(try await test.played().isEmpty && test.book.rated == [1: 90])
            // Watched again there, it is a play.
            test.there(1) { $0.lastWatchedAt = "2026-11-20T20:00:00Z" }
            try await test.sync()
            #expect(try await test.played() == [1: 1])
        }
    }

    @Test(
        "What is watched, laid aside or given up there is not put back among the wishes; what is watched there stays a wish here"
    )
    func statuses() async throws {
        try await Self.run { test in
            try await test.want([.watchlist: Self.both])
            for (number, status) in [
                (1, "completed"), (2, "dropped"), (3, "hold"), (4, "watching"), (5, "plantowatch"),
            ] {
                test.there(number) { item in
                    item.status = status
                    if status == "completed" { item.lastWatchedAt = "2025-01-02T03:04:05Z" }
                }
            }
            for number in [1, 2, 3, 4, 6] { try await test.list(number) }
            let run = try await test.sync()
            #expect(run.changesHere == 1 && run.changesThere == 1 && run.failed == 0, "\(run)")
            #expect(
                test.items.mapValues(\.status) == [
                    1: "completed", 2: "dropped", 3: "hold", 4: "watching", 5: "plantowatch", 6: "plantowatch",
                ])
            try await test.letLagEnd()
            _ = try await test.sync()
            // One listed title is watched, one is dropped: nobody wanted the first one removed; the second is dropped
            // here too.
            test.there(5) { ($0.status, $0.lastWatchedAt) = ("completed", "2026-11-20T20:00:00Z") }
            test.there(6) { $0.status = "dropped" }
            try await test.sync()
            #expect(try await test.listed() == [1, 2, 3, 4, 5, 6])
            #expect(try await test.statuses().filter { $0.value != .planToWatch } == [6: .dropped])
            let last = try await test.sync()
            #expect(last.changesHere == 0 && last.changesThere == 0, "\(last)")
        }
    }

    @Test(
        "A first answer that is empty, where something was taken off before, is not believed at once: nothing is missed"
    )
    func emptyFirst() async throws {
        try await Self.run { test in
            try await test.want([.ratings: Self.both])
            for number in 1...3 { test.rateThere(number, 9) }
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 3)
            test.book.rate(1, 40)
            test.simkl.behave { $0.showsNothing = true }
            let first = try await test.sync()
            #expect(first.state == .waiting || first.state == .reading, "\(first)")
            #expect(test.book.rated == [1: 40] && test.items[1]?.rating == 9, "nothing was told before it was read")
            test.simkl.behave { $0.showsNothing = false }
            _ = try await test.pool.execute(
                PGCommand("tests.again", "UPDATE sync_runs SET state = 'failed'"), [])
            let second = try await test.sync()
            #expect(second.state == .done, "\(second)")
            #expect(test.book.rated[2] == 90 && test.book.rated.count == 2)
        }
    }

    @Test("An account that was emptied before it was ever read is believed to be empty once that was said twice")
    func emptied() async throws {
        try await Self.run { test in
            try await test.want([.ratings: Self.both])
            test.rateThere(3, 9)
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 3)
            #expect(try await test.sync().state != .done)
            _ = try await test.pool.execute(
                PGCommand(
                    "tests.later",
                    """
                    UPDATE simkl_places SET stamps = jsonb_set(
                        stamps::jsonb, '{doubted_at}', '"2026-01-01T00:00:00Z"')::text
                    """), [])
            _ = try await test.pool.execute(
                PGCommand("tests.again", "UPDATE sync_runs SET state = 'failed'"), [])
            #expect(try await test.sync().state == .done)
        }
    }

    @Test("What a rating was told for, and has never been seen there, was not taken off there either")
    func neverSeen() async throws {
        try await Self.run { test in
            try await test.want([.ratings: Self.both])
            test.rateThere(7, 6)
            test.simkl.behave { $0.swallowed = [1] }
            test.book.rate(1, 80)
            let run = try await test.sync()
            #expect(run.changesThere == 1 && run.failed == 0 && test.items[1] == nil)
            try await test.letLagEnd()
            test.rateThere(7, 5)
            try await test.sync()
            #expect(test.book.rated == [1: 80, 7: 50])
        }
    }

    @Test(
        "One date for each item: the latest play is told; a rewatch there is another play here; none is removed by it")
    func history() async throws {
        try await Self.run { test in
            try await test.want([.history: Self.both])
            try await test.play(1, "2020-01-01T20:00:00Z")
            try await test.play(1, "2022-01-01T20:00:00Z")
            try await test.play(2, "2019-01-01T20:00:00Z")
            test.there(2) { ($0.status, $0.lastWatchedAt) = ("completed", "2021-05-05T20:00:00Z") }
            try await test.sync()
            #expect(test.items[1]?.lastWatchedAt == "2022-01-01T20:00:00Z")
            #expect(test.items[2]?.lastWatchedAt == "2021-05-05T20:00:00Z", "an older play of ours is no news there")
            #expect(try await test.played() == [1: 2, 2: 2])
            try await test.letLagEnd()
            _ = try await test.sync()
            test.there(1) { $0.lastWatchedAt = "2024-02-02T20:00:00Z" }
            try await test.sync()
            #expect(try await test.played() == [1: 3, 2: 2])
            try await test.letLagEnd()
            test.simkl.pass(seconds: 2)
            test.simkl.remove("demo-alice", 2)
            try await test.sync()
            #expect(try await test.played() == [1: 3, 2: 2], "what leaves there stays here")
        }
    }
}
