import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// What remains of a person whose account was deleted: nothing, whatever writes are still on their way.
@Suite struct DeletedPersonTests {
    private static let ids = SystemIDSource()

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(20)) }

    private static let rest = PGStatement(
        "tests.rest", "SELECT (SELECT count(*) FROM plays) + (SELECT count(*) FROM playback_sessions)"
    ) { row throws(PGError) in try row.next(Int.self) }

    /// Opens and closes sittings until a write is refused; returns whether the tombstone refused it.
    private static func watch(_ store: PlaybackStore, as user: UserID) async throws -> Bool {
        do throws(StoreError) {
            for _ in 0..<1_000 {
                let sitting = Sitting(
                    id: PlaybackSessionID(ids.next()), user: user, title: TitleID(ids.next()), kind: .movie,
                    progressPercent: 0, startedAt: SystemWallClock().now,
                    expiresAt: SystemWallClock().now.advanced(by: .seconds(3_600)))
                let session = try await store.open(sitting, until: deadline())
                let stop = PlaybackStore.Stop(
                    user: user, session: session.id, progressPercent: 90, at: SystemWallClock().now)
                _ = try await store.close(stop, until: deadline())
            }
        } catch {
            guard case .conflict(constraint: "person_deleted") = error else { throw error }
            return true
        }
        return false
    }

    @Test("A person who is deleted while many writes are under way leaves nothing behind, also on another replica")
    func late() async throws {
        try await TestDatabase.withReplicas(2, migrations: ScrobbleService.migrations) { pools in
            let stores = pools.map { ScrobbleStore(database: Database(pool: $0)) }
            let sittings = pools.map { PlaybackStore(database: Database(pool: $0), ids: Self.ids) }
            for _ in 0..<5 {
                let user = UserID(Self.ids.next())
                let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<12 { group.addTask { try await Self.watch(sittings[number % 2], as: user) } }
                    let isNew = try await stores[0].deletePerson(
                        user, at: SystemWallClock().now, until: Self.deadline())
                    #expect(isNew)
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(refused == Array(repeating: true, count: 12))
                #expect(try await pools[1].first(Self.rest) == 0)
                #expect(
                    try await !stores[1].deletePerson(user, at: SystemWallClock().now, until: Self.deadline()))
            }
        }
    }

    /// Every table with a column `user_id`: whether deletes cascade to it, and whether it refuses late writes.
    private static let tables = PGStatement(
        "tests.personalTables",
        """
        SELECT c.oid::regclass::text,
            EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confdeltype = 'c'),
            EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgrelid = c.oid AND p.proname = 'refuse_deleted_people')
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace ORDER BY 1
        """
    ) { row throws(PGError) in (try row.next(String.self), try row.next(Bool.self), try row.next(Bool.self)) }

    /// Tables whose rows are written together with a row that is itself refused, or from one that must exist.
    private static let guarded: Set = [
        "batch_changes", "list_items", "queue_lanes", "queue_outcomes", "state_changes",
    ]

    @Test("Every table of people's rows is emptied with its person, and refuses what comes later")
    func tables() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let emptied = Set(ScrobbleQueries.removedWithPerson)
            let tables = try await pools[0].query(Self.tables)
            #expect(tables.count > 30)
            for (table, goesWithAnother, refuses) in tables where table != "deleted_users" {
                #expect(emptied.contains(table) || goesWithAnother, "\(table) is not emptied with its person")
                #expect(refuses || Self.guarded.contains(table), "\(table) takes rows of people who are gone")
            }
            #expect(emptied.subtracting(tables.map { $0.0 }).isEmpty)
        }
    }
}
