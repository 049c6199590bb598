import Contracts
import JSON
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import RatingsService

/// Two copies of the service on one schema of a real Postgres.
struct RatingsFixture: Sendable {
    let services: [RatingsService]
    let pools: [PGPool]
    let clock: TestClock

    private static let source = SystemIDSource()
    static func newUser() -> UserID { UserID(source.next()) }
    static func newTitle() -> TitleID { TitleID(source.next()) }
    static func newBatch() -> BatchID { BatchID(source.next()) }

    static func with(_ body: (RatingsFixture) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: RatingsService.migrations) { pools in
            let clock = TestClock()
            let services = pools.map {
                RatingsService(store: RatingsStore(database: Database(pool: $0)), clock: clock)
            }
            try await body(RatingsFixture(services: services, pools: pools, clock: clock))
        }
    }

    var service: RatingsService { services[0] }
    var other: RatingsService { services[1] }

    static func context(key: String? = nil) -> RPCContext {
        RPCContext(deadline: .now.advanced(by: .seconds(60)), trace: .root(), idempotencyKey: key)
    }

    @discardableResult
    func rate(
        _ title: TitleID, _ tenths: Int, by user: UserID, at place: Int = 0, review: String? = nil,
        ratedAt: Timestamp? = nil, expected: Int? = nil, key: String? = nil
    ) async throws -> Rating {
        try await services[place % 2].rateTitle(
            RateTitleParams(
                user: user, title: title, kind: .movie, rating: DecimalTenths(tenths: tenths), review: review,
                ratedAt: ratedAt, expectedVersion: expected), Self.context(key: key))
    }

    func write(
        _ items: [RatingWrite], by user: UserID, source: ChangeSource = .import, batch: BatchID? = nil,
        onlyNewer: Bool? = nil, key: String? = nil
    ) async throws -> [WriteOutcome] {
        try await service.writeRatings(
            WriteRatingsParams(user: user, items: items, source: source, batch: batch, onlyNewer: onlyNewer),
            Self.context(key: key)
        ).outcomes
    }

    func rating(of title: TitleID, by user: UserID) async throws -> Rating? {
        try await service.getRatings(GetRatingsParams(user: user, titles: [title]), Self.context()).ratings.first
    }

    /// Returns a person's whole feed, read in parts of `step`.
    func feed(of user: UserID, step: Int = 1_000) async throws -> [RatingChange] {
        var all: [RatingChange] = []
        while true {
            let part = try await other.listChanges(
                ListChangesParams(user: user, after: all.last?.version ?? 0, limit: step), Self.context())
            all += part.changes
            if part.changes.isEmpty { return all }
        }
    }

    /// The titles whose aggregates differ from a recount.
    func miscounted() async throws -> [String] {
        let recount = PGStatement(
            "tests.recount",
            """
            WITH counted AS (
                SELECT media_id, rating_slot(user_id) AS slot, count(*) AS count, sum(rating * 10)::bigint AS sum_tenths,
                    (SELECT array_agg(n ORDER BY bucket) FROM (
                        SELECT bucket, count(r) AS n FROM generate_series(1, 10) AS bucket
                        LEFT JOIN unnest(array_agg(u.rating)) AS r ON rating_bucket(r) = bucket GROUP BY bucket
                    ) AS buckets) AS histogram
                FROM user_ratings u GROUP BY media_id, rating_slot(user_id)
            )
            SELECT coalesce(c.media_id, a.media_id)::text
            FROM counted c FULL JOIN (SELECT media_id, slot, count, sum_tenths, histogram FROM rating_aggregates
                WHERE count <> 0 OR sum_tenths <> 0 OR 0 <> ANY (histogram)) a
                ON a.media_id = c.media_id AND a.slot = c.slot
            WHERE a.count IS DISTINCT FROM c.count OR a.sum_tenths IS DISTINCT FROM c.sum_tenths
                OR a.histogram IS DISTINCT FROM c.histogram
            """
        ) { row throws(PGError) in try row.next(String.self) }
        return try await pools[0].query(recount)
    }
}

/// A clock that stands still until it is advanced.
final class TestClock: WallClock {
    private let moment = Mutex(Timestamp(clampingMicrosecondsSinceEpoch: 1_790_000_000_000_000))
    var now: Timestamp { moment.withLock(\.self) }
    func advance(_ duration: Duration) { moment.withLock { $0 = $0.advanced(by: duration) } }
}
