import Postgres
import Testing
import TestSupport

@Suite struct PGFaultTests {
    @Test func terminatedBackendsUnderLoadLoseNothing() async throws {
        try await TestDatabase.withSchema("fault") { database in
            let pool = try PGPool(database.configuration())
            let killer = try PGPool(database.configuration(applicationName: "killer"))
            try await pool.execute(Statements.create)
            let ledger = Ledger()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<32 {
                    group.addTask {
                        var id = worker
                        while !ledger.isOver {
                            do throws(PGError) {
                                try await pool.execute(Statements.insert, [.int(id), .text("good")])
                                ledger.acknowledge(id)
                            } catch {
                                let isHonest = [.outcomeUnknown, .connectionLost, .unavailable].contains(error.kind)
                                #expect(isHonest || error.isShutdown, "\(error)")
                            }
                            let read = await failureOf { () throws(PGError) in
                                try await pool.query(Statements.get, [.int(id)])
                            }
                            #expect(read == nil || read?.isRetryable == true)
                            id += 32
                        }
                    }
                }
                for _ in 0..<20 {
                    let before = ledger.ids.count
                    try await killer.execute(Statements.terminateOthers, [.text(database.schema)])
                    // The load continues after each kill.
                    #expect(try await eventually { ledger.ids.count > before + 50 })
                }
                ledger.end()
                try await group.waitForAll()
            }
            let ids = PGStatement("items.ids", "SELECT id FROM items") { row throws(PGError) in try row.next(Int.self) }
            let stored = Set(try await pool.query(ids))
            #expect(ledger.ids.isSubset(of: stored))
            await pool.shutDown()
            await killer.shutDown()
        }
    }

    @Test func aWriteThatLosesADeadlockRunsAgain() async throws {
        try await TestDatabase.withSchema("fault") { database in
            let pool = try PGPool(database.configuration())
            try await pool.execute(
                PGCommand("locked.create", "CREATE TABLE locked (id integer PRIMARY KEY, count integer)"))
            try await pool.execute(PGCommand("locked.fill", "INSERT INTO locked VALUES (1, 0), (2, 0)"))
            // The statement holds one row while it sleeps, and wants the other one afterwards.
            let both = PGCommand(
                "locked.both",
                """
                WITH held AS MATERIALIZED (
                    UPDATE locked SET count = count + 1 WHERE id = $1 RETURNING id
                ), rested AS MATERIALIZED (SELECT pg_sleep(0.5) FROM held)
                UPDATE locked SET count = count + 1 WHERE id = $2 AND EXISTS (SELECT FROM rested)
                """, kind: .solo)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (first, second) in [(1, 2), (2, 1)] {
                    group.addTask { try await pool.execute(both, [.int4(Int32(first)), .int4(Int32(second))]) }
                }
                try await group.waitForAll()
            }
            let counts = PGStatement("locked.counts", "SELECT count FROM locked ORDER BY id") { row throws(PGError) in
                try row.next(Int32.self)
            }
            #expect(try await pool.query(counts) == [2, 2])
            #expect(pool.snapshot.rerunsTotal > 0)
            await pool.shutDown()
        }
    }

    @Test func aWriteWithoutAnAnswerHasAnUnknownOutcome() async throws {
        try await TestDatabase.withSchema("fault") { database in
            let direct = try PGPool(database.configuration())
            try await direct.execute(Statements.create)
            let relay = try TCPRelay(to: try await database.serverPort(direct))
            let pool = try PGPool(database.configuration(through: relay))
            try await pool.execute(Statements.insert, [.int(1), .text("a")])
            relay.setMode(.swallowReplies)
            async let outcome = failureOf { () throws(PGError) in
                try await pool.execute(Statements.insert, [.int(2), .text("b")])
            }
            #expect(try await eventually { try await direct.first(Statements.count) == 2 })
            relay.cut()
            #expect(await outcome?.kind == .outcomeUnknown)
            #expect(await outcome?.isRetryable == false)
            relay.setMode(.forward)
            #expect(
                try await eventually {
                    await failureOf { () throws(PGError) in try await pool.query(Statements.count) } == nil
                })
            relay.close()
            await pool.shutDown()
            await direct.shutDown()
        }
    }

    @Test func anUnknownCommitIsToldAsSuch() async throws {
        try await TestDatabase.withSchema("fault") { database in
            let direct = try PGPool(database.configuration())
            try await direct.execute(Statements.create)
            let relay = try TCPRelay(to: try await database.serverPort(direct))
            let pool = try PGPool(database.configuration(through: relay))
            async let outcome = failureOf { () throws(PGError) in
                try await pool.withTransaction { transaction throws(PGError) in
                    try await transaction.execute(Statements.insert, [.int(1), .text("a")])
                    relay.setMode(.swallowReplies)
                }
            }
            #expect(try await eventually { try await direct.first(Statements.count) == 1 })
            relay.cut()
            #expect(await outcome?.kind == .outcomeUnknown)
            relay.close()
            await pool.shutDown()
            await direct.shutDown()
        }
    }

    @Test func aSilentServerIsGivenUp() async throws {
        var limits = PGLimits()
        limits.cancelGrace = .milliseconds(300)
        limits.connectTimeout = .seconds(2)
        try await TestDatabase.withSchema("fault") { database in
            let direct = try PGPool(database.configuration())
            try await direct.execute(Statements.create)
            let relay = try TCPRelay(to: try await database.serverPort(direct))
            let pool = try PGPool(database.configuration(through: relay, limits: limits))
            _ = try await pool.query(Statements.count)
            relay.setMode(.blackHole)
            let read = await failureOf { () throws(PGError) in
                try await pool.query(Statements.count, deadline: .now + .milliseconds(200))
            }
            #expect(read?.kind == .deadlineExceeded)
            let write = await failureOf { () throws(PGError) in
                try await pool.execute(Statements.insert, [.int(1), .text("a")], deadline: .now + .milliseconds(200))
            }
            #expect(write?.kind == .outcomeUnknown || write?.kind == .deadlineExceeded)
            relay.setMode(.forward)
            relay.cut()
            #expect(
                try await eventually {
                    await failureOf { () throws(PGError) in try await pool.query(Statements.count) } == nil
                })
            relay.close()
            await pool.shutDown()
            await direct.shutDown()
        }
    }

    @Test func aServerThatIsGoneOpensTheCircuitAndComesBack() async throws {
        var limits = PGLimits()
        limits.breakerFailuresMax = 3
        limits.reconnectMin = .milliseconds(10)
        limits.reconnectMax = .milliseconds(50)
        try await TestDatabase.withSchema("fault") { database in
            let direct = try PGPool(database.configuration())
            let relay = try TCPRelay(to: try await database.serverPort(direct))
            let pool = try PGPool(database.configuration(through: relay, limits: limits))
            _ = try await pool.query(Statements.add, [.int(1), .int(1)])
            relay.setMode(.refuse)
            relay.cut()
            #expect(try await eventually { pool.snapshot.isCircuitOpen })
            let began = ContinuousClock.now
            let failure = await failureOf { () throws(PGError) in try await pool.query(Statements.count) }
            #expect(failure?.kind == .unavailable)
            // At once, rather than at its timeout.
            #expect(ContinuousClock.now - began < limits.callTimeout / 2)
            relay.setMode(.forward)
            #expect(
                try await eventually {
                    await failureOf { () throws(PGError) in try await pool.query(Statements.add, [.int(1), .int(1)]) }
                        == nil
                })
            #expect(!pool.snapshot.isCircuitOpen)
            relay.close()
            await pool.shutDown()
            await direct.shutDown()
        }
    }

    /// A server that accepts no more connections, for instance because it is full, still answers on the open ones.
    @Test func whatIsConnectedGoesOnWhereNothingElseCanConnect() async throws {
        var limits = PGLimits()
        limits.breakerFailuresMax = 3
        limits.reconnectMin = .milliseconds(5)
        limits.reconnectMax = .milliseconds(20)
        try await TestDatabase.withSchema("fault") { database in
            let direct = try PGPool(database.configuration())
            let relay = try TCPRelay(to: try await database.serverPort(direct))
            let seen = Observations()
            let pool = try PGPool(database.configuration(through: relay, limits: limits), observe: seen.add)
            #expect(try await eventually { pool.snapshot.idleCount == limits.connectionsMin })
            relay.setMode(.full)
            let solo = PGStatement("tests.nap", "SELECT 1 FROM pg_sleep(0.01)", kind: .solo) { row throws(PGError) in
                try row.next(Int.self)
            }
            // More at once than there are connections, until enough attempts to connect have failed.
            let limit = ContinuousClock.now + .seconds(20)
            while seen.count(where: { if case .connectFailed = $0 { true } else { false } }) < 10 {
                try #require(ContinuousClock.now < limit)
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<6 {
                        group.addTask {
                            #expect(await failureOf { () throws(PGError) in try await pool.query(solo) } == nil)
                        }
                    }
                }
                #expect(!pool.snapshot.isCircuitOpen)
            }
            relay.close()
            await pool.shutDown()
            await direct.shutDown()
        }
    }

    @Test func statementsWaitOutAShortRestart() async throws {
        var limits = PGLimits()
        // The circuit stays closed, no matter how slow the test is.
        limits.breakerFailuresMax = 1_000_000
        try await TestDatabase.withSchema("fault") { database in
            let direct = try PGPool(database.configuration())
            let relay = try TCPRelay(to: try await database.serverPort(direct))
            let pool = try PGPool(database.configuration(through: relay, limits: limits))
            _ = try await pool.query(Statements.add, [.int(1), .int(1)])
            relay.setMode(.refuse)
            relay.cut()
            async let patient = pool.first(Statements.add, [.int(2), .int(2)])
            #expect(try await eventually { pool.snapshot.waitingCount == 1 })
            relay.setMode(.forward)
            #expect(try await patient == 4)
            relay.close()
            await pool.shutDown()
            await direct.shutDown()
        }
    }

    @Test func errorsAreTyped() async throws {
        try await TestDatabase.withPool("fault") { pool in
            try await pool.execute(Statements.create)
            let child = PGCommand(
                "child.create", "CREATE TABLE children (item bigint CONSTRAINT child_item REFERENCES items (id))",
                kind: .solo)
            try await pool.execute(child)
            try await pool.execute(Statements.insert, [.int(1), .text("a")])
            let twice = await failureOf { () throws(PGError) in
                try await pool.execute(Statements.insert, [.int(1), .text("a")])
            }
            #expect(twice?.isUniqueViolation == true && twice?.constraint == "items_pkey")
            let orphan = await failureOf { () throws(PGError) in
                try await pool.execute(PGCommand("child.insert", "INSERT INTO children VALUES ($1)"), [.int(9)])
            }
            #expect(orphan?.isForeignKeyViolation == true && orphan?.constraint == "child_item")
            let typo = await failureOf { () throws(PGError) in try await pool.execute(PGCommand("typo", "SELEKT 1")) }
            #expect(typo?.sqlState == "42601" && typo?.isRetryable == false)
            #expect(typo?.statement == "typo")
        }
    }

    @Test func aServerThatDoesNotExistIsUnavailable() async throws {
        var limits = PGLimits()
        limits.breakerFailuresMax = 2
        let configuration = try PGConfiguration(
            url: "postgres://nobody@127.0.0.1:9/nothing", applicationName: "tests", limits: limits)
        let pool = try PGPool(configuration)
        let failure = await failureOf { () throws(PGError) in try await pool.query(Statements.count) }
        #expect(failure?.kind == .unavailable)
        #expect(failure?.isRetryable == true)
        await pool.shutDown()
    }
}
