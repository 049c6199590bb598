package import Postgres
package import RPC

/// A service's own schema: the pool, with errors mapped to `StoreError`.
package struct Database: Sendable {
    package let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// Returns why the database does not answer a trivial query in time; nil if it does.
    package func problem(within limit: Duration) async -> String? {
        do throws(PGError) {
            _ = try await pool.query(Self.ping, deadline: .now.advanced(by: limit))
            return nil
        } catch {
            return "the database does not answer"
        }
    }

    private static let ping = PGStatement("store.ping", "SELECT true") { row throws(PGError) in try row.next(Bool.self)
    }

    /// SQL for the version of everything in the database, of all schemas, as a text of 22 characters. Two statements that
    /// have the same one, on whatever connections, find the same in every table. It may also be another although nothing
    /// has changed, since whatever transaction ends in any database of the server changes it.
    ///
    /// It is a digest of the snapshot: which transactions a statement sees. One that commits later leaves the list of the
    /// unfinished ones or raises the list's end. A server that recovers from a crash may issue the numbers of lost
    /// transactions again, even without a start of its own (if one process dies), so the time of the last reset of its
    /// statistics, which each recovery sets, is in it as well. Not for statements of a transaction that has written, whose
    /// own changes are not part of a snapshot, nor for standbys.
    package static let versionSQL = """
        (SELECT left(encode(sha256(concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()),
            extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time()), pg_current_snapshot())::bytea), 'base64'), 22))
        """

    private static let versionQuestion = PGStatement("store.version", "SELECT \(versionSQL)") { row throws(PGError) in
        try row.next(String.self)
    }

    /// Returns the version of everything in the database (`versionSQL`); nil if it does not answer.
    package func version(until deadline: ContinuousClock.Instant) async -> String? {
        try? await rows(Self.versionQuestion, [], until: deadline).first
    }

    /// Runs one statement and returns its rows.
    package func rows<Row: Sendable>(
        _ statement: PGStatement<Row>, _ values: [PGValue], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Row] {
        do {
            return try await pool.query(statement, values, deadline: deadline)
        } catch {
            throw StoreError(error)
        }
    }

    /// Runs `body` in one transaction; see `PGPool.withTransaction`.
    package func transaction<Value>(
        until deadline: ContinuousClock.Instant, durability: PGDurability = .immediate,
        _ body: (PGTransaction) async throws(PGError) -> Value
    ) async throws(StoreError) -> Value {
        do throws(PGError) {
            return try await pool.withTransaction(durability: durability, deadline: deadline, body)
        } catch {
            throw StoreError(error)
        }
    }

    /// Runs several statements as one transaction in one round trip and returns the number of rows each affected.
    package func run(
        together statements: [PGBoundStatement], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Int] {
        do {
            return try await pool.execute(together: statements, deadline: deadline)
        } catch {
            throw StoreError(error)
        }
    }

    /// Runs one statement without rows.
    package func run(
        _ statement: PGCommand, _ values: [PGValue], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        do {
            _ = try await pool.execute(statement, values, deadline: deadline)
        } catch {
            throw StoreError(error)
        }
    }
}

/// Runs store calls for a handler that passes every store error on to its caller.
package func asking<Answer>(
    _ work: () async throws(StoreError) -> Answer
) async throws(RPCError) -> Answer {
    do {
        return try await work()
    } catch {
        throw error.asRPCError
    }
}
