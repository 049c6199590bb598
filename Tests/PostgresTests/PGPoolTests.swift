import Postgres
import Testing
import TestSupport

@Suite struct PGPoolTests {
    @Test func aThousandReadsShareFewConnections() async throws {
        try await TestDatabase.withPool("pool") { pool in
            let sums = try await withThrowingTaskGroup(of: (Int, Int?).self) { group in
                for number in 0..<1_000 {
                    group.addTask { (number, try await pool.first(Statements.add, [.int(number), .int(1)])) }
                }
                return try await group.reduce(into: [Int: Int?]()) { $0[$1.0] = $1.1 }
            }
            #expect(sums.count == 1_000)
            #expect(sums.allSatisfy { $0.value == $0.key + 1 })
            #expect(pool.snapshot.connectsTotal <= pool.limits.connectionsMax)
            #expect(pool.snapshot.batchesTotal < 1_000)
        }
    }

    @Test func aFailedReadLeavesItsNeighboursAlone() async throws {
        try await TestDatabase.withPool("pool") { pool in
            let divide = PGStatement("numbers.divide", "SELECT 100 / $1") { row throws(PGError) in
                try row.next(Int.self)
            }
            let outcomes = await withTaskGroup(of: (Int, Int?, PGError?).self) { group in
                for number in 0..<200 {
                    group.addTask {
                        do throws(PGError) {
                            return (number, try await pool.first(divide, [.int(number % 10)]), nil)
                        } catch {
                            return (number, nil, error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            for (number, quotient, failure) in outcomes {
                if number % 10 == 0 {
                    #expect(failure?.sqlState == "22012")
                    #expect(failure?.statement == "numbers.divide")
                } else {
                    #expect(quotient == 100 / (number % 10))
                }
            }
        }
    }

    @Test func aFailedRowHitsOnlyItsOwnWriter() async throws {
        try await TestDatabase.withPool("pool") { pool in
            try await pool.execute(Statements.create)
            let failures = await withTaskGroup(of: (Int, PGError?).self) { group in
                for id in 0..<300 {
                    group.addTask {
                        let label = id % 50 == 7 ? "bad" : "good"
                        return (
                            id,
                            await failureOf { () throws(PGError) in
                                try await pool.execute(Statements.insert, [.int(id), .text(label)])
                            }
                        )
                    }
                }
                return await group.reduce(into: [Int: PGError?]()) { $0[$1.0] = $1.1 }
            }
            for (id, failure) in failures {
                #expect(failure?.constraint == (id % 50 == 7 ? "items_label_check" : nil))
                #expect(failure?.sqlState == (id % 50 == 7 ? "23514" : nil))
            }
            #expect(try await pool.first(Statements.count) == 294)
            #expect(pool.snapshot.batchesTotal < 300)
        }
    }

    @Test func aDeferredConstraintFailsAtTheCommitOfTheGroup() async throws {
        try await TestDatabase.withPool("pool") { pool in
            try await pool.execute(
                PGCommand(
                    "deferred.create",
                    "CREATE TABLE slots (id int, place int UNIQUE DEFERRABLE INITIALLY DEFERRED)", kind: .solo))
            let insert = PGCommand("deferred.insert", "INSERT INTO slots VALUES ($1, $2)")
            try await pool.execute(insert, [.int4(0), .int4(0)])
            let failures = await withTaskGroup(of: PGError?.self) { group in
                for id in 1...100 {
                    group.addTask {
                        await failureOf { () throws(PGError) in
                            try await pool.execute(insert, [.int4(Int32(id)), .int4(Int32(id == 50 ? 0 : id))])
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(failures.compactMap(\.self).map(\.sqlState) == ["23505"])
            let count = PGStatement("deferred.count", "SELECT count(*) FROM slots") { row throws(PGError) in
                try row.next(Int.self)
            }
            #expect(try await pool.first(count) == 100)
        }
    }

    @Test func severalStatementsAreOneTransaction() async throws {
        try await TestDatabase.withPool("pool") { pool in
            try await pool.execute(Statements.create)
            let both = [
                Statements.insert.bound([.int(1), .text("a")]), Statements.insert.bound([.int(2), .text("b")]),
            ]
            #expect(try await pool.execute(together: both) == [1, 1])
            let half = [
                Statements.insert.bound([.int(3), .text("c")]), Statements.insert.bound([.int(1), .text("d")]),
            ]
            let failure = await failureOf { () throws(PGError) in try await pool.execute(together: half) }
            #expect(failure?.isUniqueViolation == true)
            #expect(failure?.constraint == "items_pkey")
            #expect(try await pool.first(Statements.count) == 2)
        }
    }

    @Test func ofSeveralStatementsTheRowsOfOneAreTold() async throws {
        try await TestDatabase.withPool("pool") { pool in
            try await pool.execute(Statements.create)
            let insert = Statements.insert.bound([.int(1), .text("a")])
            let gone = PGStatement("items.gone", "DELETE FROM items RETURNING id", kind: .write) {
                row throws(PGError) in
                try row.next(Int.self)
            }
            #expect(try await pool.rows(of: gone, together: [insert, gone.bound([]), insert]) == [1])
            #expect(try await pool.rows(of: gone, together: [gone.bound([]), insert, gone.bound([])]) == [1])
            #expect(try await pool.rows(of: gone, together: [insert]) == [])
            #expect(try await pool.first(Statements.count) == 1)
        }
    }

    @Test func aPlanThatNoLongerFitsIsPreparedAnew() async throws {
        try await TestDatabase.withPool("pool") { pool in
            try await pool.execute(Statements.create)
            try await pool.execute(Statements.insert, [.int(1), .text("a")])
            let all = PGStatement("items.all", "SELECT * FROM items") { row throws(PGError) in
                (try row.next(Int.self), try row.next(String.self))
            }
            #expect(try await pool.query(all).count == 1)
            try await pool.execute(PGCommand("items.widen", "ALTER TABLE items ADD note text", kind: .solo))
            #expect(try await pool.query(all).count == 1)
            try await pool.execute(PGCommand("items.forget", "DEALLOCATE ALL", kind: .solo))
            #expect(try await pool.query(all).count == 1)
        }
    }

    /// One lease at a time, and room for one waiting.
    static var tightLimits: PGLimits {
        var limits = PGLimits()
        limits.connectionsMax = 2
        limits.leasesMax = 1
        limits.waitersMax = 1
        return limits
    }

    @Test func waitersGiveUpAtTheirDeadline() async throws {
        try await TestDatabase.withPool("pool", limits: Self.tightLimits) { pool in
            try await pool.withTransaction { transaction throws(PGError) in
                try await transaction.execute(Statements.add, [.int(1), .int(1)])
                let late = await failureOf { () throws(PGError) in
                    try await pool.withTransaction(deadline: .now + .milliseconds(50)) { other throws(PGError) in
                        try await other.query(Statements.add, [.int(1), .int(1)])
                    }
                }
                #expect(late?.kind == .deadlineExceeded)
            }
            #expect(pool.snapshot.waitingCount == 0)
        }
    }

    @Test func waitersAreBounded() async throws {
        try await TestDatabase.withPool("pool", limits: Self.tightLimits) { pool in
            try await pool.withTransaction { transaction throws(PGError) in
                try await transaction.execute(Statements.add, [.int(1), .int(1)])
                let waiting = Task { await failureOf { () throws(PGError) in try await pool.lease() } }
                _ = try? await eventually { pool.snapshot.waitingCount == 1 }
                let refused = await failureOf { () throws(PGError) in try await pool.lease() }
                #expect(refused?.kind == .overloaded)
                waiting.cancel()
                #expect(await waiting.value?.kind == .cancelled)
            }
            #expect(pool.snapshot.waitingCount == 0)
        }
    }

    @Test func observationsNameStatementsAndErrors() async throws {
        let seen = Observations()
        try await TestDatabase.withPool("pool", observe: { seen.add($0) }) { pool in
            _ = try await pool.query(Statements.add, [.int(1), .int(2)])
            try await pool.execute(PGCommand("notice", "DO $$ BEGIN RAISE NOTICE 'hello'; END $$", kind: .solo))
            let bad = PGStatement("numbers.bad", "SELECT 1 / 0") { row throws(PGError) in try row.next(Int.self) }
            _ = await failureOf { () throws(PGError) in try await pool.query(bad) }
        }
        #expect(seen.count { if case .statement("numbers.add", _, _, 1, nil) = $0 { true } else { false } } == 1)
        #expect(
            seen.count {
                if case .statement("numbers.bad", let duration, let wait, 0, let error) = $0 {
                    error?.sqlState == "22012" && duration >= wait
                } else {
                    false
                }
            } == 1)
        #expect(seen.count { if case .notice(let notice) = $0 { notice.message == "hello" } else { false } } == 1)
    }

    @Test func afterShutDownEverythingIsRefused() async throws {
        try await TestDatabase.withSchema("pool") { database in
            let (holder, pool) = (try PGPool(database.configuration()), try PGPool(database.configuration()))
            let (locked, whenLocked) = AsyncStream<Void>.makeStream()
            let (released, release) = AsyncStream<Void>.makeStream()
            async let holding: Void = holder.withTransaction { transaction throws(PGError) in
                defer { whenLocked.finish() }
                _ = try await transaction.query(Statements.lock)
                whenLocked.finish()
                for await _ in released {}
            }
            for await _ in locked {}
            // The running statement waits for the holder, and so continues until the pool is known to refuse.
            async let running = pool.first(Statements.lock)
            #expect(try await eventually { pool.snapshot.sharedCount == 1 })
            async let end: Void = pool.shutDown()
            #expect(
                try await eventually {
                    await failureOf { () throws(PGError) in try await pool.lease() }?.kind == .closed
                })
            release.finish()
            try await holding
            #expect(try await running == 1)
            await end
            #expect(await failureOf { () throws(PGError) in try await pool.query(Statements.count) }?.kind == .closed)
            #expect(await failureOf { () throws(PGError) in try await pool.lease() }?.kind == .closed)
            await holder.shutDown()
        }
    }
}

extension PGPool {
    /// A transaction that does nothing.
    func lease() async throws(PGError) {
        _ = try await withTransaction { transaction throws(PGError) in try await transaction.execute(Statements.count) }
    }
}
