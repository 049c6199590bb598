import Postgres
import Testing
import TestSupport

@Suite struct PGCancellationTests {
    /// The number of the pool's statements that are currently asleep in Postgres.
    static func sleeperCount(_ watcher: PGPool, _ name: String) async throws -> Int {
        try await watcher.first(Statements.running, [.text(name), .text("%pg_sleep%")]) ?? 0
    }

    @Test(arguments: [PGStatementKind.read, .write, .solo])
    func aCancelledTaskStopsItsStatementInPostgres(_ kind: PGStatementKind) async throws {
        try await TestDatabase.withSchema("cancel") { database in
            let pool = try PGPool(database.configuration())
            let watcher = try PGPool(database.configuration(applicationName: "watcher"))
            let sleep = PGStatement("sleep", "SELECT 1 FROM pg_sleep($1)", kind: kind) { row throws(PGError) in
                try row.next(Int.self)
            }
            let failure = try await withThrowingTaskGroup(of: PGError?.self) { group in
                group.addTask { await failureOf { () throws(PGError) in try await pool.query(sleep, [.double(60)]) } }
                #expect(try await eventually { try await Self.sleeperCount(watcher, database.schema) == 1 })
                group.cancelAll()
                return try await group.next() ?? nil
            }
            #expect(failure?.kind == .cancelled)
            #expect(try await eventually { try await Self.sleeperCount(watcher, database.schema) == 0 })
            #expect(try await pool.first(Statements.add, [.int(1), .int(1)]) == 2)
            await pool.shutDown()
            await watcher.shutDown()
        }
    }

    @Test func aDeadlineStopsTheStatementInPostgres() async throws {
        try await TestDatabase.withSchema("cancel") { database in
            let pool = try PGPool(database.configuration())
            let watcher = try PGPool(database.configuration(applicationName: "watcher"))
            let began = ContinuousClock.now
            let failure = await failureOf { () throws(PGError) in
                try await pool.query(Statements.sleep, [.double(60)], deadline: .now + .milliseconds(200))
            }
            #expect(failure?.kind == .deadlineExceeded)
            #expect(ContinuousClock.now - began < .seconds(5))
            #expect(try await eventually { try await Self.sleeperCount(watcher, database.schema) == 0 })
            await pool.shutDown()
            await watcher.shutDown()
        }
    }

    @Test func aDeadlineInsideATransactionUndoesIt() async throws {
        try await TestDatabase.withPool("cancel") { pool in
            try await pool.execute(Statements.create)
            let failure = await failureOf { () throws(PGError) in
                try await pool.withTransaction(deadline: .now + .milliseconds(300)) { transaction throws(PGError) in
                    try await transaction.execute(Statements.insert, [.int(1), .text("a")])
                    try await transaction.execute(Statements.sleep, [.double(60)])
                }
            }
            #expect(failure?.kind == .deadlineExceeded || failure?.sqlState == "57014")
            #expect(try await pool.first(Statements.count) == 0)
        }
    }

    @Test func cancellingOneLeavesItsNeighboursAlone() async throws {
        try await TestDatabase.withPool("cancel") { pool in
            try await pool.execute(Statements.create)
            let slow = PGCommand("items.slow", "INSERT INTO items SELECT $1, $2 FROM pg_sleep($3)")
            for round in 0..<5 {
                await withTaskGroup(of: Void.self) { group in
                    let victim = Task {
                        await failureOf { () throws(PGError) in
                            try await pool.execute(slow, [.int(-1), .text("victim"), .double(30)])
                        }
                    }
                    for neighbour in 0..<100 {
                        group.addTask {
                            let id = round * 100 + neighbour
                            let write = await failureOf { () throws(PGError) in
                                try await pool.execute(Statements.insert, [.int(id), .text("good")])
                            }
                            #expect(write == nil)
                            let read = await failureOf { () throws(PGError) in
                                try await pool.query(Statements.get, [.int(id)])
                            }
                            #expect(read == nil)
                            if neighbour == 10 { victim.cancel() }
                        }
                    }
                    await group.waitForAll()
                    #expect(await victim.value?.kind == .cancelled)
                }
            }
            #expect(try await pool.first(Statements.count) == 500)
        }
    }

    @Test func aSlowNeighbourIsSplitOff() async throws {
        var limits = PGLimits()
        limits.writeLanesMax = 1
        limits.batchSplit = .milliseconds(100)
        try await TestDatabase.withPool("cancel", limits: limits) { pool in
            try await pool.execute(Statements.create)
            try await pool.execute(Statements.insert, [.int(0), .text("locked")])
            let touch = PGCommand("items.touch", "UPDATE items SET label = label WHERE id = $1")
            try await pool.withTransaction { transaction throws(PGError) in
                try await transaction.execute(touch, [.int(0)])
                // One of these waits for the row; all others must finish regardless.
                async let blocked = failureOf { () throws(PGError) in try await pool.execute(touch, [.int(0)]) }
                await withTaskGroup(of: Void.self) { group in
                    for id in 1...60 {
                        group.addTask {
                            let failure = await failureOf { () throws(PGError) in
                                try await pool.execute(Statements.insert, [.int(id), .text("good")])
                            }
                            #expect(failure == nil)
                        }
                    }
                }
                _ = try await transaction.commit(with: Statements.count)
                #expect(await blocked == nil)
            }
            #expect(try await pool.first(Statements.count) == 61)
        }
    }
}
