import Contracts
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// The pages of the history, compared with a list in memory.
@Suite struct HistoryPagingTests {
    private struct Row: Hashable {
        let user: UserID
        let id: PlayID
        /// In seconds; few distinct values, so that most rows tie.
        let second: Int
    }

    private static let insert = PGCommand(
        "tests.play",
        """
        INSERT INTO plays (user_id, id, title_id, kind, watched_at, precision, listed_at, created_at)
        VALUES ($1, $2, $3, 'movie', $4, 'second', $4, $4)
        """)

    private static func moment(_ row: Row) -> Timestamp {
        Timestamp(clampingMicrosecondsSinceEpoch: 1_700_000_000_000_000 + Int64(row.second) * 1_000_000)
    }

    private static func add(_ row: Row, _ pool: PGPool) async throws {
        let values: [PGValue] = [.id(row.user), .id(row.id), .id(TitleID(row.id.uuid)), .moment(moment(row))]
        _ = try await pool.execute(insert, values)
    }

    private static func pages(
        _ history: ListHistory, of user: UserID, limit: Int, between: () async throws -> Void
    ) async throws -> [PlayID] {
        var listed: [PlayID] = []
        var cursor: String?
        repeat {
            let page = try await history.run(
                ListHistoryParams(user: user, limit: limit, cursor: cursor),
                RPCContext(deadline: .now.advanced(by: .seconds(20)), trace: .root()))
            #expect(page.plays.count <= limit)
            #expect(page.nextCursor == nil || page.plays.count == limit, "only the last page may be short")
            listed += page.plays.map(\.id)
            cursor = page.nextCursor
            try await between()
        } while cursor != nil
        return listed
    }

    @Test("Of some plays those are told that are the person's and stand")
    func byID() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let plays = GetPlays(store: ScrobbleStore(database: Database(pool: pools[0])))
            let users = (0..<2).map { UserID(UUIDBits(high: 7, low: $0)) }
            let ids = (0..<4).map { PlayID(UUIDBits(high: 8, low: $0)) }
            for (place, user) in [(0, users[0]), (1, users[0]), (2, users[1])] {
                try await Self.add(Row(user: user, id: ids[place], second: place), pools[0])
            }
            let remove = PGCommand("tests.removePlay", "UPDATE plays SET removed_at = now() WHERE id = $1")
            _ = try await pools[0].execute(remove, [.id(ids[1])])
            func found(_ asked: [PlayID], _ user: UserID) async throws -> [PlayID] {
                try await plays.run(
                    GetPlaysParams(user: user, plays: asked),
                    RPCContext(deadline: .now.advanced(by: .seconds(20)), trace: .root())
                ).plays.map(\.id)
            }
            #expect(try await found(ids, users[0]) == [ids[0]])
            #expect(try await found(ids, users[1]) == [ids[2]])
            #expect(try await found([], users[0]).isEmpty)
        }
    }

    @Test("Pages of any size, over plays of the same moment, hold every play once and in order")
    func pages() async throws {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        let seed = random.seed
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let history = ListHistory(store: ScrobbleStore(database: Database(pool: pools[0])))
            let users = (0..<2).map { UserID(UUIDBits(high: 7, low: $0)) }
            var rows: Set<Row> = []
            for _ in 0..<120 {
                // Ids from the whole range: their order is unrelated to time, and both halves reach the sign bit.
                let row = Row(
                    user: users[Int(random.next() % 2)],
                    id: PlayID(UUIDBits(high: random.next(), low: random.next())), second: Int(random.next() % 5))
                rows.insert(row)
                try await Self.add(row, pools[0])
            }
            for user in users {
                let expected = rows.filter { $0.user == user }.sorted {
                    ($0.second, $0.id.uuid.high, $0.id.uuid.low) > ($1.second, $1.id.uuid.high, $1.id.uuid.low)
                }.map(\.id)
                for limit in [1, 2, 7, expected.count - 1, expected.count, expected.count + 1] {
                    let listed = try await Self.pages(history, of: user, limit: limit) {}
                    #expect(listed == expected, "seed \(seed), pages of \(limit)")
                }
            }
        }
    }

    @Test("Plays that arrive while somebody pages shift nothing: what was there is seen once")
    func arrivals() async throws {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        let seed = random.seed
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let history = ListHistory(store: ScrobbleStore(database: Database(pool: pools[0])))
            let user = UserID(UUIDBits(high: 7, low: 7))
            func next() -> Row {
                Row(
                    user: user, id: PlayID(UUIDBits(high: random.next(), low: random.next())),
                    second: Int(random.next() % 5))
            }
            let early = (0..<60).map { _ in next() }
            for row in early { try await Self.add(row, pools[0]) }
            let listed = try await Self.pages(history, of: user, limit: 7) { try await Self.add(next(), pools[0]) }
            #expect(Set(listed).count == listed.count, "seed \(seed)")
            #expect(Set(listed).isSuperset(of: early.map(\.id)), "seed \(seed)")
        }
    }
}
