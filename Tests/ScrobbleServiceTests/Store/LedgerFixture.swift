import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// A person's ledger in its own schema.
struct LedgerFixture: Sendable {
    let pool: PGPool
    let shelves: ShelfStore
    let lists: ListStore
    let ledger: LedgerStore
    let batches: BatchStore
    let user = UserID(LedgerFixture.ids.next())

    static let ids = SystemIDSource()
    static let start = Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000)

    static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(60)) }

    static func with(_ body: (LedgerFixture) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let database = Database(pool: pools[0])
            try await body(
                LedgerFixture(
                    pool: pools[0], shelves: ShelfStore(database: database),
                    lists: ListStore(database: database, ids: ids), ledger: LedgerStore(database: database, ids: ids),
                    batches: BatchStore(database: database, ids: ids)))
        }
    }

    private init(
        pool: PGPool, shelves: ShelfStore, lists: ListStore, ledger: LedgerStore, batches: BatchStore
    ) {
        self.pool = pool
        self.shelves = shelves
        self.lists = lists
        self.ledger = ledger
        self.batches = batches
    }

    static func title(_ number: Int) -> TitleID { TitleID(UUIDBits(high: 9, low: UInt64(number))) }

    /// Returns the time `seconds` after the fixture's start.
    static func at(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }

    func hand(at seconds: Int = 0) -> LedgerWriter { .person(user, at: Self.at(seconds)) }

    func file(_ batch: BatchID? = nil, at seconds: Int = 0, from source: String = "letterboxd") -> LedgerWriter {
        LedgerWriter(user: user, source: source, batch: batch, at: Self.at(seconds), authority: .file)
    }

    func plan(_ batch: BatchID? = nil, at seconds: Int = 0) -> LedgerWriter {
        LedgerWriter(user: user, source: "trakt", batch: batch, at: Self.at(seconds), authority: .plan)
    }

    func newBatch(_ source: String = "letterboxd") async throws -> BatchID {
        let batch = BatchID(Self.ids.next())
        try await batches.open(
            batch, of: user, source: source, label: nil, as: .applying, at: Self.start, until: Self.deadline())
        return batch
    }

    /// Undoes the whole batch.
    func undo(_ batch: BatchID) async throws -> UndoCounts {
        var place: TouchedItem?
        repeat {
            place = try await batches.undoSome(
                of: batch, user, after: place, at: Self.start, until: Self.deadline())
        } while place != nil
        return try await batches.fates(of: batch, user, until: Self.deadline())
    }

    func play(
        _ title: Int, at seconds: Int, from road: String, key: String, day: Bool = false
    ) -> IncomingPlay {
        let at = Self.at(seconds)
        return IncomingPlay(
            title: Self.title(title), kind: .movie, moment: day ? .day(at.date) : .second(at, day: at.date),
            percent: nil, runtimeMinutes: 100, source: PlaySource(name: road, key: key))
    }

    func add(
        _ plays: [IncomingPlay], _ batch: BatchID?, byHand: Bool = false, moving: Bool = false
    ) async throws -> [PlayVerdict] {
        let arrival = LedgerStore.Arrival(
            user: user, timeZone: "UTC", batch: batch, at: Self.at(1_000_000), isByHand: byHand, plays: plays,
            telling: false, moving: moving)
        return try await ledger.add(arrival, until: Self.deadline())
    }

    /// Returns everything of the person, one text per row, in order: what an undo must restore.
    func everything() async throws -> [String] {
        let all = PGStatement(
            "tests.everything",
            """
            SELECT 'play ' || (to_jsonb(p) - 'created_at')::text FROM plays p WHERE user_id = $1
            UNION ALL SELECT 'road ' || (to_jsonb(p) - 'seen_at')::text FROM play_sources p WHERE user_id = $1
            UNION ALL SELECT 'watchlist ' || to_jsonb(p)::text FROM watchlist_items p WHERE user_id = $1
            UNION ALL SELECT 'collection ' || to_jsonb(p)::text FROM collection_items p WHERE user_id = $1
            UNION ALL SELECT 'like ' || to_jsonb(p)::text FROM likes p WHERE user_id = $1
            UNION ALL SELECT 'progress ' || to_jsonb(p)::text FROM watch_progress p WHERE user_id = $1
            UNION ALL SELECT 'list ' || to_jsonb(p)::text FROM lists p WHERE user_id = $1
            UNION ALL SELECT 'item ' || to_jsonb(p)::text FROM list_items p WHERE user_id = $1
            ORDER BY 1
            """
        ) { row throws(PGError) in try row.next(String.self) }
        return try await pool.query(all, [.id(user)])
    }
}
