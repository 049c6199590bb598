import Postgres
import Testing
import TestSupport

@Suite struct MigratorTests {
    static let first = Migration(
        1, "items", sql: "CREATE TABLE items (id bigint PRIMARY KEY, label text); CREATE INDEX ON items (label);")
    static let second = Migration(2, "note", sql: "ALTER TABLE items ADD note text; INSERT INTO items VALUES (1, ';');")

    static func run(_ pool: PGPool, _ database: TestDatabase, _ migrations: [Migration]) async throws(PGError)
        -> [String]
    {
        let migrator = try Migrator(pool, schema: database.schema, migrations: migrations)
        return try await migrator.run(deadline: .now + .seconds(30))
    }

    static func withDatabase(_ body: (PGPool, TestDatabase) async throws -> Void) async throws {
        try await TestDatabase.withSchema("migrate") { database in
            let pool = try PGPool(database.configuration())
            try await body(pool, database)
            await pool.shutDown()
        }
    }

    @Test func appliesWhatIsMissingInOrder() async throws {
        try await Self.withDatabase { (pool, database) async throws in
            #expect(try await Self.run(pool, database, [Self.first]) == ["items"])
            #expect(try await Self.run(pool, database, [Self.first, Self.second]) == ["note"])
            #expect(try await Self.run(pool, database, [Self.first, Self.second]) == [])
            #expect(try await pool.first(Statements.count) == 1)
        }
    }

    @Test func replicasAtOnceApplyOnce() async throws {
        try await Self.withDatabase { (pool, database) async throws in
            let names = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<4 { group.addTask { try await Self.run(pool, database, [Self.first, Self.second]) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(names.sorted() == ["items", "note"])
        }
    }

    @Test func changedOnesAreRefusedByName() async throws {
        try await Self.withDatabase { (pool, database) async throws in
            _ = try await Self.run(pool, database, [Self.first])
            let changed = Migration(1, "items", sql: "CREATE TABLE items (id int)")
            let failure = await failureOf { () throws(PGError) in try await Self.run(pool, database, [changed]) }
            #expect(failure?.kind == .migration)
            #expect(failure?.message.contains("1 items") == true)
            let unknown = await failureOf { () throws(PGError) in try await Self.run(pool, database, []) }
            #expect(unknown?.kind == .migration)
        }
    }

    @Test func aFailedOneLeavesNothingBehind() async throws {
        try await Self.withDatabase { (pool, database) async throws in
            let broken = Migration(
                2, "broken", sql: "CREATE TABLE half (id int); SELECT 1 / 0; CREATE TABLE rest (id int)")
            let failure = await failureOf { () throws(PGError) in
                try await Self.run(pool, database, [Self.first, broken])
            }
            #expect(failure?.sqlState == "22012")
            #expect(failure?.statement == "migration 2 broken")
            let tables = PGStatement(
                "tests.tables", "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 'half'"
            ) { row throws(PGError) in try row.next(Int.self) }
            #expect(try await pool.first(tables, [.text(database.schema)]) == 0)
            #expect(try await Self.run(pool, database, [Self.first, Self.second]) == ["note"])
        }
    }

    @Test func createsItsSchema() async throws {
        try await Self.withDatabase { (pool, database) async throws in
            try await pool.execute(PGCommand("tests.drop", "DROP SCHEMA \(database.schema) CASCADE", kind: .solo))
            #expect(try await Self.run(pool, database, [Self.first]) == ["items"])
        }
    }

    @Test func numbersMustAscend() async throws {
        try await Self.withDatabase { (pool, database) async throws in
            let failure = await failureOf { () throws(PGError) in
                try await Self.run(pool, database, [Self.second, Self.first])
            }
            #expect(failure?.kind == .migration)
        }
    }
}
