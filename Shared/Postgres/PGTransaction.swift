internal import Synchronization

package enum PGIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

/// When an acknowledged transaction becomes safe from a crash of the server.
package enum PGDurability: Sendable {
    /// At once: COMMIT returns when it is on disk.
    case immediate
    /// A moment later (`synchronous_commit` off), at the latest with the next `immediate` one. Until then a crash may
    /// undo it as a whole, with everything after it. For work that records its progress in the same database and
    /// resumes from there.
    case eventual
}

/// A transaction on a connection of its own. BEGIN is sent with its first statement; statements that its tasks issue at
/// the same time travel together. Never wait inside it for the network or for another statement of the pool.
package final class PGTransaction: Sendable {
    private enum Phase { case fresh, open, ended }

    private let phase = Mutex(Phase.fresh)
    private let lease: PGLease
    private let isolation: PGIsolation
    private let durability: PGDurability
    package let deadline: ContinuousClock.Instant

    init(_ lease: PGLease, isolation: PGIsolation, durability: PGDurability, deadline: ContinuousClock.Instant) {
        self.lease = lease
        self.isolation = isolation
        self.durability = durability
        self.deadline = deadline
    }

    private static let begins: [PGIsolation: PGStatementText] = [
        .readCommitted: begin(.readCommitted), .repeatableRead: begin(.repeatableRead),
        .serializable: begin(.serializable),
    ]
    private static let commit = PGStatementText(name: "transaction.commit", sql: "COMMIT", kind: .solo)
    private static let rollBack = PGStatementText(name: "transaction.rollback", sql: "ROLLBACK", kind: .solo)
    private static let limitTime = PGStatementText(
        name: "transaction.timeout", sql: "SELECT set_config('statement_timeout', $1, true)", kind: .solo)
    private static let commitEventually = PGStatementText(
        name: "transaction.eventual", sql: "SET LOCAL synchronous_commit = off", kind: .solo)

    private static func begin(_ isolation: PGIsolation) -> PGStatementText {
        PGStatementText(name: "transaction.begin", sql: "BEGIN ISOLATION LEVEL \(isolation.rawValue)", kind: .solo)
    }

    // MARK: Statements

    package func query<Row>(
        _ statement: PGStatement<Row>, _ values: [PGValue] = []
    ) async throws(PGError) -> [Row] {
        try statement.rows(of: await run(statement.bound(values), isLast: false))
    }

    package func first<Row>(_ statement: PGStatement<Row>, _ values: [PGValue] = []) async throws(PGError) -> Row? {
        try statement.rows(of: await run(statement.bound(values), isLast: false)).first
    }

    @discardableResult
    package func execute<Row>(
        _ statement: PGStatement<Row>, _ values: [PGValue] = []
    ) async throws(PGError) -> Int {
        try await run(statement.bound(values), isLast: false).affectedCount
    }

    /// Runs the last statement and COMMIT in one round trip.
    package func commit<Row>(
        with statement: PGStatement<Row>, _ values: [PGValue] = []
    ) async throws(PGError) -> [Row] {
        try statement.rows(of: await run(statement.bound(values), isLast: true))
    }

    /// Ends the transaction without effect; the body may then return normally.
    package func rollBack() async throws(PGError) {
        guard end() == .open else { return }
        _ = try await lease.run(
            [PGBoundStatement(text: Self.rollBack, values: [])], isLossUnknown: false, deadline: deadline)
    }

    /// Reads a large result through a cursor, `pageRowsMax` rows at a time; only one page is in memory.
    package func forEachPage<Row>(
        of statement: PGStatement<Row>, _ values: [PGValue] = [], pageRowsMax: Int = 500,
        _ body: ([Row]) async throws(PGError) -> Void
    ) async throws(PGError) {
        let cursor = "reelay_" + String(statement.text.hash, radix: 36)
        let name = statement.text.name
        try await execute(
            PGCommand(name + ".open", "DECLARE \(cursor) NO SCROLL CURSOR FOR \(statement.text.sql)"), values)
        let fetch = PGStatement(
            name + ".page", "FETCH FORWARD \(max(1, pageRowsMax)) FROM \(cursor)", row: statement.decode)
        while true {
            let rows = try await query(fetch)
            if !rows.isEmpty { try await body(rows) }
            if rows.count < max(1, pageRowsMax) { break }
        }
        try await execute(PGCommand(name + ".close", "CLOSE \(cursor)"))
    }

    private func run(_ statement: PGBoundStatement, isLast: Bool) async throws(PGError) -> PGResult {
        var statements = [statement]
        if isLast { statements.append(PGBoundStatement(text: Self.commit, values: [])) }
        let results = try await lease.run(
            statements, isLossUnknown: isLast, deadline: deadline
        ) { post throws(PGError) in
            // Under the lock, so that BEGIN is sent before anything else can be.
            try phase.withLock { phase throws(PGError) in
                switch phase {
                case .ended: throw PGError(.closed, "the transaction has ended")
                case .open: try post([])
                case .fresh: try post(opening())
                }
                phase = isLast ? .ended : .open
            }
        }
        if isLast { try Self.checkCommitted(results[1]) }
        return results[0]
    }

    /// Begins the transaction if no statement has done so.
    private func begin() async throws(PGError) {
        _ = try await lease.run(opening(), isLossUnknown: false, deadline: deadline) { post throws(PGError) in
            try phase.withLock { phase throws(PGError) in
                switch phase {
                case .ended: throw PGError(.closed, "the transaction has ended")
                case .open: return
                case .fresh: try post([])
                }
                phase = .open
            }
        }
    }

    private func opening() -> [PGBoundStatement] {
        var opening: [PGBoundStatement] = []
        if let begin = Self.begins[isolation] { opening.append(PGBoundStatement(text: begin, values: [])) }
        if durability == .eventual { opening.append(PGBoundStatement(text: Self.commitEventually, values: [])) }
        let left = deadline - .now
        if left < lease.limits.statementTimeout {
            let milliseconds = String(max(1, left.wholeMilliseconds))
            opening.append(PGBoundStatement(text: Self.limitTime, values: [.text(milliseconds)]))
        }
        return opening
    }

    // MARK: COPY

    /// Streams rows into a table with `sql`, a `COPY … FROM STDIN (FORMAT binary)`; returns the number of rows copied.
    package func copy(
        _ sql: String, _ body: (inout PGCopyWriter) async throws(PGError) -> Void
    ) async throws(PGError) -> Int {
        try await begin()
        _ = try await lease.copy(.start(sql: sql), deadline: deadline)
        var writer = PGCopyWriter(lease: lease, deadline: deadline)
        do {
            try await body(&writer)
            try await writer.finish()
        } catch {
            if error.kind != .server, error.kind != .connectionLost {
                _ = try? await lease.copy(.end(complaint: "\(error.kind)"), deadline: deadline)
            }
            throw error
        }
        return try await lease.copy(.end(complaint: nil), deadline: deadline)
    }

    /// Runs statements without parameters, separated by semicolons, as in migrations.
    func runScript(_ sql: String) async throws(PGError) {
        guard !sql.utf8.contains(0) else { throw PGError(.invalidParameter, "script contains a zero byte") }
        try await begin()
        _ = try await lease.copy(.script(sql: sql), deadline: deadline)
    }

    // MARK: Ending

    private func end() -> Phase {
        phase.withLock { phase in
            defer { phase = .ended }
            return phase
        }
    }

    func commitIfOpen() async throws(PGError) {
        guard end() == .open else { return }
        let results = try await lease.run(
            [PGBoundStatement(text: Self.commit, values: [])], isLossUnknown: true, deadline: deadline)
        try Self.checkCommitted(results[0])
    }

    /// Postgres answers the COMMIT of a failed transaction with ROLLBACK and without an error.
    private static func checkCommitted(_ result: PGResult) throws(PGError) {
        guard result.commandTag != "ROLLBACK" else {
            throw PGError(
                .server, "the transaction had failed before COMMIT", sqlState: "25P02", statement: commit.name)
        }
    }

    func undo(after error: PGError) async {
        let phase = end()
        // A failed commit leaves the connection outside any transaction, unless the statement before it failed.
        guard phase != .fresh, error.kind != .connectionLost, error.kind != .outcomeUnknown else { return }
        _ = try? await lease.run(
            [PGBoundStatement(text: Self.rollBack, values: [])], isLossUnknown: false,
            deadline: max(deadline, .now + .seconds(1)))
    }
}

extension PGPool {
    /// Runs `body` in one transaction, commits when it returns and undoes everything when it throws. After 40001 and
    /// 40P01 the whole body runs again, up to `PGLimits.transactionRetriesMax` times, so it must have no side effects
    /// outside.
    package func withTransaction<Value>(
        isolation: PGIsolation = .readCommitted, durability: PGDurability = .immediate,
        deadline: ContinuousClock.Instant? = nil, _ body: (PGTransaction) async throws(PGError) -> Value
    ) async throws(PGError) -> Value {
        let deadline = deadline ?? .now + limits.callTimeout
        var attempt = 0
        while true {
            let outcome: Result<Value, PGError> = await runOnce(isolation, durability, deadline, body)
            switch outcome {
            case .success(let value): return value
            case .failure(let error):
                let mayPass = error.isSerializationFailure || error.asksForPreparing
                guard mayPass, attempt < limits.transactionRetriesMax else { throw error }
                attempt += 1
                observe?(.transactionRetried(attempt: attempt, error))
                let pause = limits.transactionRetryDelay * (1 << attempt) * Double.random(in: 0.5...1)
                guard .now + pause < deadline else { throw error }
                do { try await Task.sleep(for: pause) } catch { throw PGError(.cancelled, "between two attempts") }
            }
        }
    }

    private func runOnce<Value>(
        _ isolation: PGIsolation, _ durability: PGDurability, _ deadline: ContinuousClock.Instant,
        _ body: (PGTransaction) async throws(PGError) -> Value
    ) async -> Result<Value, PGError> {
        do throws(PGError) {
            let value = try await withConnection(deadline: deadline) { lease throws(PGError) in
                let transaction = PGTransaction(
                    lease, isolation: isolation, durability: durability, deadline: deadline)
                do throws(PGError) {
                    let value = try await body(transaction)
                    try await transaction.commitIfOpen()
                    return value
                } catch {
                    await transaction.undo(after: error)
                    throw error
                }
            }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }
}
