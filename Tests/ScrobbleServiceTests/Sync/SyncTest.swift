import AsyncHTTPClient
import Contracts
import Cryptography
import JSON
import NIOHTTP1
import NIOPosix
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// A person's ratings as another service keeps them, and titles by Trakt number.
final class NeighbourBook: SyncNeighbours {
    private struct State {
        var ratings: [TitleID: Rating] = [:]
        var version: Int64 = 0
        var batches: [BatchID: Int] = [:]
        var merged: [TitleID: TitleID] = [:]
        var beforeWrite: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Returns our title for a Trakt number.
    static func title(_ number: Int) -> TitleID {
        TitleID(UUIDBits(high: 0x0192_0000_0000_7000, low: 1 << 63 | UInt64(number)))
    }
    static func number(_ title: TitleID) -> Int { Int(title.uuid.low & 0xffff_ffff) }

    func rate(_ number: Int, _ tenths: Int?, at moment: Timestamp = SystemWallClock().now) {
        let title = Self.title(number)
        state.withLock { state in
            state.version += 1
            state.ratings[title] = tenths.map {
                Rating(
                    title: title, kind: .movie, rating: DecimalTenths(tenths: $0), spoiler: false, ratedAt: moment,
                    updatedAt: moment, version: Int(state.version))
            }
        }
    }

    /// Merges two titles; everybody but the sync has heard of it.
    func merge(_ number: Int, into other: Int) {
        let (old, new) = (Self.title(number), Self.title(other))
        state.withLock { state in
            state.version += 1
            state.merged[old] = new
            guard var rating = state.ratings.removeValue(forKey: old) else { return }
            rating.title = new
            rating.version = Int(state.version)
            state.ratings[new] = rating
        }
    }

    /// Sets an action to run once, right before a sync writes.
    func beforeWrite(_ act: @escaping @Sendable () -> Void) { state.withLock { $0.beforeWrite = act } }

    /// All ratings, in tenths, by Trakt number.
    var rated: [Int: Int] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: state.ratings.map { (Self.number($0.key), $0.value.rating.tenths) })
        }
    }

    var writes: Int { state.withLock { $0.batches.values.reduce(0, +) } }

    func ratings(of user: UserID) async throws(SyncTrouble) -> [Rating] { state.withLock { Array($0.ratings.values) } }

    func ratings(of user: UserID, _ titles: [TitleID]) async throws(SyncTrouble) -> [TitleID: Rating] {
        state.withLock { state in
            let wanted = Set(titles.map { state.merged[$0] ?? $0 })
            return state.ratings.filter { wanted.contains($0.key) }
        }
    }

    func ratingsVersion(of user: UserID) async throws(SyncTrouble) -> Int64 { state.withLock(\.version) }

    func write(
        _ ratings: [RatingWrite], of user: UserID, from provider: SyncProvider, batch: BatchID
    ) async throws(SyncTrouble) -> [TitleID: WriteResult] {
        let now = SystemWallClock().now
        let act = state.withLock { state in
            defer { state.beforeWrite = nil }
            return state.beforeWrite
        }
        act?()
        return state.withLock { state in
            var left: [TitleID: WriteResult] = [:]
            for item in ratings {
                if let expected = item.expectedVersion, expected != state.ratings[item.title]?.version ?? 0 {
                    left[item.title] = .older
                    continue
                }
                state.version += 1
                state.batches[batch, default: 0] += 1
                state.ratings[item.title] = item.rating.map {
                    Rating(
                        title: item.title, kind: item.kind, rating: $0, spoiler: false, ratedAt: item.ratedAt ?? now,
                        updatedAt: now, version: Int(state.version))
                }
            }
            return left
        }
    }

    func titles(_ queries: [TitleQuery]) async throws(SyncTrouble) -> [TitleID?] {
        queries.map { query in (query.ids.trakt ?? query.ids.simkl).map { Self.title($0) } }
    }
}

/// A person, an emulated remote account, and everything between them.
struct SyncTest: Sendable {
    let pool: PGPool
    let store: SyncStore
    let connections: ConnectionStore
    let ledger: LedgerStore
    let shelves: ShelfStore
    let batches: BatchStore
    let queue: QueueStore
    let http: TraktHTTP
    let upstreams: RunningUpstreams
    let book = NeighbourBook()
    let user = UserID(SystemIDSource().next())
    let account: String
    /// Returns the external ids of a title, by its number.
    let ids: @Sendable (Int) -> ExternalIds

    var lane: LaneKey { LaneKey(user: user, provider: .trakt) }
    var trakt: TraktAccounts { upstreams.server.traktAccounts }

    static func run(
        limits: SyncLimits = SyncLimits(), queue: QueueLimits = QueueTest.quick,
        ids: @escaping @Sendable (Int) -> ExternalIds = { ExternalIds(trakt: $0) },
        _ body: @escaping @Sendable (SyncTest) async throws -> Void
    ) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let pool = pools[0]
            try await RunningUpstreams.run { upstreams in
                let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
                let database = Database(pool: pool)
                let source = SystemIDSource()
                let test = SyncTest(
                    pool: pool, store: SyncStore(database: database, ids: source, limits: limits),
                    connections: ConnectionStore(
                        database: database, sealer: Sealer(try KeyRing(parsing: KeyRing.makeLine(id: "test")))),
                    ledger: LedgerStore(database: database, ids: source),
                    shelves: ShelfStore(database: database), batches: BatchStore(database: database, ids: source),
                    queue: QueueStore(database: database, limits: queue),
                    http: TraktTest.http(upstreams, client), upstreams: upstreams, account: "demo-alice",
                    ids: ids)
                test.trakt.behaveQuickly()
                try await TraktTest.connect(test.lane, as: test.account, in: test.connections)
                var outcome: (any Error)?
                do { try await body(test) } catch { outcome = error }
                try await client.shutdown()
                if let outcome { throw outcome }
            }
        }
    }

    /// Sets the person's policies for the facets.
    func want(_ policies: [SyncFacet: FacetPolicy]) async throws {
        try await connections.change(
            lane, ConnectionStore.Change(isEnabled: true, policies: policies), at: SystemWallClock().now,
            until: QueueTest.deadline())
    }

    var tokens: TokenKeeper {
        TokenKeeper(
            store: connections, issuer: TraktIssuer(http: http, clock: SystemWallClock()), clock: SystemWallClock())
    }

    func queueWorker() -> QueueWorker {
        let writer = TraktWriter(
            http: http,
            titles: { titles in
                Dictionary(uniqueKeysWithValues: titles.map { ($0, ids(NeighbourBook.number($0))) })
            }, tokens: tokens, allowance: store, clock: SystemWallClock(), pace: .milliseconds(1))
        return QueueWorker(id: SystemIDSource().next(), store: queue, writers: [.trakt: writer])
    }

    func worker(
        _ observe: @escaping @Sendable (SyncPoint) -> Void = { _ in },
        tell: @escaping @Sendable (SyncProvider, SyncRunState) -> Void = { _, _ in }
    ) -> SyncWorker {
        SyncWorker(
            store: store, connections: connections, ledger: ledger, shelves: shelves, batches: batches,
            queue: queueWorker(),
            readers: [
                .trakt: TraktReader(
                    http: http, tokens: tokens, allowance: store, clock: SystemWallClock(),
                    pauses: [.milliseconds(1), .milliseconds(1)])
            ],
            neighbours: book,
            clock: SystemWallClock(), ids: SystemIDSource(), observe: observe, tell: tell)
    }

    /// Runs one sync, from the request until the queue is empty; returns the run.
    @discardableResult
    func sync(
        dry: Bool = false, confirms: BatchID? = nil,
        tell: @escaping @Sendable (SyncProvider, SyncRunState) -> Void = { _, _ in }
    ) async throws -> SyncRun {
        let id = try #require(
            try await store.open(
                lane, isDry: dry, confirms: confirms, at: SystemWallClock().now, until: QueueTest.deadline()))
        await worker(tell: tell).turn()
        if !dry { try await deliver() }
        return try await run(id)
    }

    func deliver() async throws {
        try await QueueTest.work([queueWorker()]) { try await pool.query(QueueTest.waiting) == [0] }
    }

    func run(_ id: BatchID) async throws -> SyncRun {
        try await store.settleQueued(of: user, until: QueueTest.deadline())
        return try #require(
            try await store.runs(of: user, id, after: .newest, limit: 1, until: QueueTest.deadline()).first)
    }

    func changes(_ run: SyncRun) async throws -> [SyncChange] {
        try await store.changes(
            of: run.id, by: user, after: -1, planned: nil, limit: 1_000, until: QueueTest.deadline())
    }

    // MARK: What the person does here

    private var writer: LedgerWriter { .person(user, at: SystemWallClock().now) }

    func put<Details: ShelvedDetails>(
        _ number: Int, _ kind: TitleKind, _ details: Details, at moment: Timestamp = SystemWallClock().now
    ) async throws {
        let item = ShelfItem(title: NeighbourBook.title(number), kind: kind, at: moment, details: details)
        _ = try await shelves.put([item], by: writer, until: QueueTest.deadline())
    }

    /// The numbers of series are separate from those of films.
    func list(_ number: Int, _ kind: TitleKind) async throws { try await put(number, kind, WatchlistDetails()) }

    func unlist(_ numbers: [Int]) async throws {
        _ = try await shelves.remove(
            numbers.map { NeighbourBook.title($0) }, as: WatchlistDetails.self, at: SystemWallClock().now, by: writer,
            until: QueueTest.deadline())
    }

    func collect(_ number: Int, _ kind: TitleKind, _ details: CollectionDetails, at moment: Timestamp) async throws {
        try await put(number, kind, details, at: moment)
    }

    func stopAt(_ number: Int, _ percent: Double, at moment: Timestamp) async throws {
        try await put(number, .movie, ProgressDetails(percent: percent), at: moment)
    }

    private func items<Details: ShelvedDetails>(
        _ details: Details.Type, _ kinds: [TitleKind]?
    ) async throws -> [ShelfItem<Details>] {
        try await shelves.page(
            of: user, as: details, after: .newest, kinds: kinds, limit: 1_000, until: QueueTest.deadline()
        ).map(\.item)
    }

    func listed(_ kind: TitleKind? = nil) async throws -> [Int] {
        try await items(WatchlistDetails.self, kind.map { [$0] }).map { NeighbourBook.number($0.title) }.sorted()
    }

    func collected() async throws -> [Int: ShelfItem<CollectionDetails>] {
        Dictionary(
            uniqueKeysWithValues: try await items(CollectionDetails.self, nil).map {
                (NeighbourBook.number($0.title), $0)
            })
    }

    func places() async throws -> [Int: Double] {
        Dictionary(
            uniqueKeysWithValues: try await items(ProgressDetails.self, nil).map {
                (NeighbourBook.number($0.title), $0.details.percent)
            })
    }

    func play(_ number: Int, at text: String, kind: TitleKind = .movie) async throws {
        let moment = try #require(Timestamp(text))
        _ = try await ledger.add(
            LedgerStore.Arrival(
                user: user, timeZone: "UTC", batch: nil, at: moment, isByHand: false,
                plays: [
                    IncomingPlay(
                        title: NeighbourBook.title(number), kind: kind, moment: .second(moment, day: moment.date),
                        percent: nil, runtimeMinutes: 100, source: PlaySource(name: "file", key: "\(number) \(moment)"))
                ], telling: false), until: QueueTest.deadline())
    }

    /// Watches a film to its end, now, and waits until it is sent.
    func scrobble(_ number: Int) async throws {
        let now = SystemWallClock().now
        let playback = PlaybackStore(database: Database(pool: pool), ids: SystemIDSource())
        let session = try await playback.open(
            Sitting(
                id: PlaybackSessionID(SystemIDSource().next()), user: user, title: NeighbourBook.title(number),
                kind: .movie, progressPercent: 0, startedAt: now, expiresAt: now.advanced(by: .seconds(3_600))),
            until: QueueTest.deadline())
        _ = try await playback.close(
            PlaybackStore.Stop(user: user, session: session.id, progressPercent: 96, at: SystemWallClock().now),
            until: QueueTest.deadline())
        try await deliver()
    }

    /// Returns what is on a shelf there, as kind and number.
    func shelfThere(_ shelf: String) -> [String] { trakt.shelf(shelf, of: account).keys.sorted() }

    /// Returns the bodies of the calls to a path, in order.
    func bodies(_ method: String, _ path: String) -> [JSONValue] {
        upstreams.server.desk.book(provider: .trakt, after: 0).entries.filter {
            $0.request.method == method && $0.request.path == path
        }.compactMap { try? decodeJSON(JSONValue.self, from: $0.request.body) }
    }

    var undoing: SyncUndo { SyncUndo(store: store, clock: SystemWallClock(), ids: SystemIDSource()) }

    func runs() async throws -> [SyncRun] {
        try await store.runs(of: user, nil, after: .newest, limit: 100, until: QueueTest.deadline())
    }

    /// Lets the day pass after which everything is read again.
    func readEverything() async throws {
        _ = try await pool.execute(
            PGCommand("tests.whole", "UPDATE sync_places SET whole_at = whole_at - interval '2 days'"), [])
    }

    /// Fails unfinished runs and resumes the connection, as the person's next attempt would find it.
    func endRuns() async throws {
        _ = try await pool.execute(
            PGCommand(
                "tests.endRuns",
                "UPDATE sync_runs SET state = 'failed', fence = fence + 1 WHERE state IN ('waiting', 'reading', 'applying')"
            ), [])
        try await setPaused(false)
    }

    func setPaused(_ isPaused: Bool) async throws {
        try await connections.change(
            lane, ConnectionStore.Change(isPaused: isPaused), at: SystemWallClock().now, until: QueueTest.deadline())
    }

    /// Lets the time pass after which an account is polled automatically again.
    func letPollsBeDue() async throws {
        _ = try await pool.execute(
            PGCommand("tests.polled", "UPDATE scrobble_connections SET polled_at = polled_at - interval '1 day'"), [])
    }

    /// Expires the record that our writes may still lag.
    func letLagEnd() async throws {
        _ = try await pool.execute(
            PGCommand("tests.lag", "UPDATE sync_base SET written_at = written_at - interval '1 day'"), [])
        _ = try await pool.execute(
            PGCommand("tests.done", "UPDATE queue_outcomes SET finished_at = finished_at - interval '1 day'"), [])
    }

    /// Makes a change as the person on the remote side.
    func there(_ path: String, _ body: String) async throws {
        let outcome = await http.call(
            .POST, path, .bytes(Array(body.utf8)), token: Secret(account), until: QueueTest.deadline())
        guard case .answered(let answer) = outcome, (200...299).contains(answer.status) else {
            Issue.record("\(path): \(outcome)")
            return
        }
    }

    func rateThere(_ ratings: [Int: Int], at: String = "2026-01-01T00:00:00.000Z") async throws {
        let items = ratings.map { #"{"ids":{"trakt":\#($0)},"rating":\#($1),"rated_at":"\#(at)"}"# }
        try await there("sync/ratings", #"{"movies":[\#(items.joined(separator: ","))]}"#)
    }

    /// The ratings there, by Trakt number.
    var ratedThere: [Int: Int] {
        let shelf = trakt.shelf("ratings", of: account)
        return Dictionary(
            uniqueKeysWithValues: shelf.compactMap { key, value in
                Int(key.split(separator: " ").last ?? "").map { ($0, value) }
            })
    }

    /// Returns the calls that Trakt has received after `sequence`.
    func calls(after sequence: Int = 0) -> [String] {
        upstreams.server.desk.book(provider: .trakt, after: sequence).entries.map {
            "\($0.request.method) \($0.request.path)"
        }
    }

    var lastCall: Int { upstreams.server.desk.book(provider: .trakt).entries.last?.sequence ?? 0 }
}
