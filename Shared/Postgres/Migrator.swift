/// One step in the history of a schema; never changed once it has been applied anywhere.
package struct Migration: Sendable {
    /// The position in the history, from 1, ascending.
    package let number: Int
    package let name: String
    /// One or more statements, run in one transaction together with their entry in `schema_migrations`.
    package let sql: [UInt8]

    package init(_ number: Int, _ name: String, sql: [UInt8]) {
        self.number = number
        self.name = name
        self.sql = sql
    }

    package init(_ number: Int, _ name: String, sql: String) { self.init(number, name, sql: Array(sql.utf8)) }

    var label: String { "\(number) \(name)" }
}

/// Brings the schema of one service up to date. Forward only, and under an advisory lock, so that any number of
/// replicas may start at once.
package struct Migrator: Sendable {
    private let pool: PGPool
    private let schema: String
    private let migrations: [Migration]

    /// Creates a migrator for `schema`, which `run` creates if it does not exist. Throws `migration` if the numbers do
    /// not ascend from 1, and `configuration` if `schema` is not a plain name.
    package init(_ pool: PGPool, schema: String, migrations: [Migration]) throws(PGError) {
        guard PGConfiguration.isPlainName(schema) else {
            throw PGError(.configuration, "schema name may contain only a-z, 0-9 and _")
        }
        for (earlier, later) in zip([0] + migrations.map(\.number), migrations) where later.number <= earlier {
            throw PGError(.migration, "migration \(later.label) is out of order")
        }
        self.pool = pool
        self.schema = schema
        self.migrations = migrations
    }

    private struct Entry: Sendable {
        let number: Int
        let name: String
        let checksum: [UInt8]
    }

    private var applied: PGStatement<Entry> {
        PGStatement("migrations.applied", "SELECT number, name, checksum FROM schema_migrations ORDER BY number") {
            row throws(PGError) in Entry(number: try row.next(), name: try row.next(), checksum: try row.next())
        }
    }

    /// Applies the missing migrations and returns their names. Throws `migration`, naming it, for a migration that was
    /// changed after it was applied or that this program does not know, and `server` for one that failed, which leaves
    /// nothing behind.
    @discardableResult
    package func run(deadline: ContinuousClock.Instant) async throws(PGError) -> [String] {
        // Outside the pool and closed at the end: the lock and the session's settings go with the connection.
        let sink = PGNotificationSink(countMax: 1)
        return try await pool.withConnection(deadline: deadline, sink: sink) { lease throws(PGError) in
            try await prepare(lease, deadline)
            let checksums = try await checksums(lease, deadline)
            let done = try await query(applied, on: lease, deadline)
            try check(done, checksums)
            let last = done.last?.number ?? 0
            var names: [String] = []
            for (migration, checksum) in zip(migrations, checksums) where migration.number > last {
                try await apply(migration, checksum, on: lease, deadline)
                names.append(migration.name)
            }
            return names
        }
    }

    private func prepare(_ lease: PGLease, _ deadline: ContinuousClock.Instant) async throws(PGError) {
        let settings = [
            PGCommand("migrations.settings", "SET statement_timeout = 0").bound([]),
            PGCommand("migrations.lock", "SELECT pg_advisory_lock(hashtextextended($1, 0))")
                .bound([.text("migrations of \(schema)")]),
        ]
        _ = try await lease.run(settings, isLossUnknown: false, deadline: deadline)
        let exists = PGStatement("migrations.schema", "SELECT 1 FROM pg_namespace WHERE nspname = $1") {
            row throws(PGError) in try row.next(Int.self)
        }
        var setup = [
            PGCommand(
                "migrations.table",
                """
                CREATE TABLE IF NOT EXISTS \(schema).schema_migrations (
                    number integer PRIMARY KEY,
                    name text NOT NULL,
                    checksum bytea NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now()
                )
                """
            ).bound([]),
            PGCommand("migrations.path", "SET search_path = \(schema)").bound([]),
        ]
        // CREATE SCHEMA IF NOT EXISTS also needs a privilege on the database, which the service may not have.
        if try await query(exists, [.text(schema)], on: lease, deadline).isEmpty {
            setup.insert(PGCommand("migrations.create", "CREATE SCHEMA \(schema)").bound([]), at: 0)
        }
        for statement in setup { _ = try await lease.run([statement], isLossUnknown: false, deadline: deadline) }
    }

    /// The SHA-256 of each migration's text, computed by Postgres.
    private func checksums(
        _ lease: PGLease, _ deadline: ContinuousClock.Instant
    ) async throws(PGError) -> [[UInt8]] {
        let hash = PGStatement(
            "migrations.checksums",
            "SELECT sha256(text) FROM unnest($1) WITH ORDINALITY AS entry (text, place) ORDER BY place"
        ) { row throws(PGError) in try row.next([UInt8].self) }
        return try await query(hash, [.byteaArray(migrations.map(\.sql))], on: lease, deadline)
    }

    private func check(_ done: [Entry], _ checksums: [[UInt8]]) throws(PGError) {
        for (entry, place) in zip(done, migrations.indices) {
            let migration = migrations[place]
            guard entry.number == migration.number else {
                let number = min(entry.number, migration.number)
                let fault = number == entry.number ? "is missing from this program" : "is new but precedes applied ones"
                throw PGError(.migration, "migration \(number) \(fault)")
            }
            guard entry.checksum == checksums[place] else {
                throw PGError(.migration, "migration \(migration.label) was changed after it was applied")
            }
        }
        if done.count > migrations.count {
            let unknown = done[migrations.count]
            throw PGError(.migration, "migration \(unknown.number) \(unknown.name) is newer than this program")
        }
    }

    private func apply(
        _ migration: Migration, _ checksum: [UInt8], on lease: PGLease, _ deadline: ContinuousClock.Instant
    ) async throws(PGError) {
        let transaction = PGTransaction(
            lease, isolation: .readCommitted, durability: .immediate, deadline: deadline)
        let record = PGCommand(
            "migrations.record", "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)")
        do throws(PGError) {
            try await transaction.runScript(String(decoding: migration.sql, as: UTF8.self))
            let values: [PGValue] = [.int4(Int32(clamping: migration.number)), .text(migration.name), .bytea(checksum)]
            _ = try await transaction.commit(with: record, values)
        } catch {
            await transaction.undo(after: error)
            throw error.named("migration \(migration.label)")
        }
    }

    private func query<Row>(
        _ statement: PGStatement<Row>, _ values: [PGValue] = [], on lease: PGLease, _ deadline: ContinuousClock.Instant
    ) async throws(PGError) -> [Row] {
        let results = try await lease.run([statement.bound(values)], isLossUnknown: false, deadline: deadline)
        return try statement.rows(of: results[0])
    }
}
