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
