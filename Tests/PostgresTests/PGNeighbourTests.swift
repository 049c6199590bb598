import Testing
import TestSupport

@testable import Postgres

/// Calls that share a batch with one that is given up or too slow have their own outcomes.
@Suite struct PGNeighbourTests {
    private typealias Call = Task<PGError?, Never>

    private static let slow = PGCommand("items.slow", "INSERT INTO items SELECT $1, $2 FROM pg_sleep($3)")
    private static let divide = PGStatement("numbers.divide", "SELECT 1 / $1") { row throws(PGError) in
        try row.next(Int.self)
    }

    /// One lane of each kind, without overtaking or splitting.
    private static func limits(_ change: (inout PGLimits) -> Void = { _ in }) -> PGLimits {
        var limits = PGLimits()
        limits.readLanesMax = 1
        limits.writeLanesMax = 1
        limits.laneStall = .seconds(600)
        limits.batchSplit = .seconds(600)
        change(&limits)
        return limits
    }

    /// Sends the calls as one batch, in order.
    private static func together<Row: Sendable>(
        _ pool: PGPool, _ statements: [(PGStatement<Row>, [PGValue])]
    ) async throws -> [Call] {
        #expect(try await quiet(pool))
        let calls = SharedList<Call>([])
        pool.together {
            for (statement, values) in statements {
                calls.append(
                    Task.immediate {
                        await failureOf { () throws(PGError) in _ = try await pool.execute(statement, values) }
                    })
            }
        }
        return calls.all
    }

    @Test func aStoppedReadIsCancelledWhenItRunsAndNotBefore() async throws {
        try await TestDatabase.withPool("neighbours", limits: Self.limits()) { pool in
            _ = try await pool.first(Statements.add, [.int(1), .int(1)])
            // The first fails, so the others run again with a Sync each: the second at once, those behind it together.
            let sleeps = [0.05, 0.15, 0.15, 0.15, 600]
            let calls = try await Self.together(
                pool, [(Self.divide, [.int(0)])] + sleeps.map { (Statements.sleep, [.double($0)]) })
            #expect(await calls[0].value?.sqlState == "22012")
            #expect(await calls[1].value == nil)
            #expect(pool.snapshot.waitingCount == 0)
            calls[5].cancel()
            #expect(await calls[5].value?.kind == .cancelled)
            for call in calls[2..<5] { #expect(await call.value == nil) }
            // Its turn comes, and Postgres is told to cancel it.
            #expect(try await eventually { pool.snapshot.sharedCount == 0 })
            #expect(pool.snapshot.rerunsTotal == 5)
            #expect(pool.snapshot.cancelsTotal >= 1)
        }
    }

    @Test func aStoppedWriteBehindASlowOneWaitsTheGraceAndNoLonger() async throws {
        let limits = Self.limits { $0.cancelGrace = .milliseconds(300) }
        try await TestDatabase.withPool("neighbours", limits: limits) { pool in
            try await pool.execute(Statements.create)
            try await pool.execute(Statements.insert, [.int(0), .text("there")])
            // The first row exists already, so each statement runs again: the first at once, the two behind it
            // together.
            let calls = try await Self.together(
                pool, [(0, 0), (1, 2), (2, 600)].map { (Self.slow, [.int($0), .text("a"), .double($1)]) })
            #expect(await calls[0].value?.isUniqueViolation == true)
            #expect(pool.snapshot.waitingCount == 0)
            calls[2].cancel()
            #expect(await calls[2].value?.kind == .outcomeUnknown)
            #expect(pool.snapshot.inFlightCount == 1)
            #expect(await calls[1].value == nil)
            #expect(try await eventually { pool.snapshot.sharedCount == 0 })
            #expect(pool.snapshot.rerunsTotal == 3)
            #expect(pool.snapshot.connectionsLostTotal == 0)
            #expect(try await pool.first(Statements.count) == 2)
        }
    }

    /// What a cancel request hits on the way is not at fault: this does not count among its reruns.
    @Test func whatACancelRequestHitsIsNotGivenUp() async throws {
        let limits = Self.limits { $0.rerunsMax = 0 }
        try await TestDatabase.withPool("neighbours", limits: limits) { pool in
            try await pool.execute(Statements.create)
            let calls = try await Self.together(
                pool, (0..<6).map { (Self.slow, [.int($0), .text("a"), .double($0 == 5 ? 600 : 0.01)]) })
            #expect(try await eventually { pool.snapshot.inFlightCount == 6 })
            calls[5].cancel()
            #expect(await calls[5].value?.kind == .cancelled)
            for call in calls[0..<5] { #expect(await call.value == nil) }
            #expect(try await pool.first(Statements.count) == 5)
        }
    }

    @Test func whatIsSplitIsNotGivenUp() async throws {
        let limits = Self.limits { limits in
            limits.rerunsMax = 0
            limits.batchSplit = .milliseconds(50)
        }
        try await TestDatabase.withPool("neighbours", limits: limits) { pool in
            _ = try await pool.first(Statements.add, [.int(1), .int(1)])
            let calls = try await Self.together(pool, (0..<3).map { _ in (Statements.sleep, [.double(0.2)]) })
            for call in calls { #expect(await call.value == nil) }
            #expect(pool.snapshot.rerunsTotal >= 1)
        }
    }
}
