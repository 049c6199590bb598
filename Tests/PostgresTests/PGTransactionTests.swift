import Postgres
import Testing
import TestSupport

@Suite struct PGTransactionTests {
    static let read = PGStatement("items.sum", "SELECT coalesce(sum(id), 0)::bigint FROM items") {
        row throws(PGError) in try row.next(Int.self)
    }

    @Test func commitsAndRollsBack() async throws {
        try await TestDatabase.withPool("tx") { pool in
            try await pool.execute(Statements.create)
            try await pool.withTransaction { transaction throws(PGError) in
                try await transaction.execute(Statements.insert, [.int(1), .text("a")])
                try await transaction.execute(Statements.insert, [.int(2), .text("b")])
            }
            #expect(try await pool.first(Statements.count) == 2)
            let failure = await failureOf { () throws(PGError) in
                try await pool.withTransaction { transaction throws(PGError) in
                    try await transaction.execute(Statements.insert, [.int(3), .text("c")])
                    try await transaction.execute(Statements.insert, [.int(1), .text("again")])
                }
            }
            #expect(failure?.isUniqueViolation == true)
            try await pool.withTransaction { transaction throws(PGError) in
                try await transaction.execute(Statements.insert, [.int(4), .text("d")])
                try await transaction.rollBack()
            }
            try await pool.withTransaction { transaction throws(PGError) in
                try await transaction.execute(Statements.insert, [.int(5), .text("e")])
                #expect(try await transaction.commit(with: Statements.count) == [3])
                let late = await failureOf { () throws(PGError) in try await transaction.query(Statements.count) }
                #expect(late?.kind == .closed)
            }
            #expect(try await pool.first(Statements.count) == 3)
            #expect(pool.snapshot.leasedCount == 0)
        }
    }

    @Test func whatIsEventualIsSoForOneTransaction() async throws {
        let setting = PGStatement("tests.durability", "SELECT current_setting('synchronous_commit')") {
            row throws(PGError) in try row.next(String.self)
        }
        // Every session has the setting, since a pool may use any of its connections.
        let server = try TestDatabase.serverURL()
        let url = server + (server.contains("?") ? "&" : "?") + "options=-c%20synchronous_commit%3Dlocal"
        var limits = PGLimits()
        limits.connectionsMax = 2
        try await TestDatabase.withPool("tx", on: url, limits: limits) { pool in
            let within = try await pool.withTransaction(durability: .eventual) { transaction throws(PGError) in
                try await transaction.first(setting)
            }
            #expect(within == "off")
            for _ in 0..<10 { #expect(try await pool.first(setting) == "local") }
            let after = try await pool.withTransaction { transaction throws(PGError) in
                try await transaction.first(setting)
            }
            #expect(after == "local")
        }
    }

    @Test func aSwallowedErrorDoesNotCommit() async throws {
        try await TestDatabase.withPool("tx") { pool in
            try await pool.execute(Statements.create)
            let failure = await failureOf { () throws(PGError) in
                try await pool.withTransaction { transaction throws(PGError) in
                    try await transaction.execute(Statements.insert, [.int(1), .text("a")])
                    _ = try? await transaction.execute(Statements.insert, [.int(1), .text("again")])
                }
            }
            #expect(failure?.sqlState == "25P02")
            #expect(try await pool.first(Statements.count) == 0)
        }
    }

    @Test func statementsIssuedTogetherTravelTogether() async throws {
        try await TestDatabase.withPool("tx") { pool in
            try await pool.withTransaction { transaction throws(PGError) in
                let sum = await withTaskGroup(of: Int.self) { group in
                    for number in 0..<50 {
                        group.addTask {
                            (try? await transaction.first(Statements.add, [.int(number), .int(0)])) ?? -1_000_000
                        }
                    }
                    return await group.reduce(0, +)
                }
                #expect(sum == 50 * 49 / 2)
            }
            #expect(pool.snapshot.batchesTotal < 50)
        }
    }

    /// BEGIN used to be sent only once its own statement was encoded: one that was ready earlier overtook it and was
    /// committed.
    @Test func nothingOvertakesBegin() async throws {
        try await TestDatabase.withPool("tx") { pool in
            try await pool.execute(Statements.create)
            let long = String(repeating: "x", count: 8 << 20)
            for round in 0..<10 {
                let failure = await failureOf { () throws(PGError) in
                    try await pool.withTransaction { transaction throws(PGError) in
                        await withTaskGroup(of: Void.self) { group in
                            for (place, text) in [long, "short"].enumerated() {
                                group.addTask {
                                    let write = await failureOf { () throws(PGError) in
                                        try await transaction.execute(
                                            Statements.insert, [.int(round * 2 + place), .text(text)])
                                    }
                                    #expect(write == nil)
                                }
                            }
                        }
                        throw PGError(.cancelled, "on purpose")
                    }
                }
                #expect(failure?.kind == .cancelled)
            }
            #expect(try await pool.first(Statements.count) == 0)
        }
    }

    /// A first statement that could not be sent used to drop BEGIN with it, and what followed was committed by itself.
    @Test func aStatementThatCannotLeaveDoesNotBegin() async throws {
        var limits = PGLimits()
        limits.parameterBytesMax = 100
        try await TestDatabase.withPool("tx", limits: limits) { pool in
            try await pool.execute(Statements.create)
            let failure = await failureOf { () throws(PGError) in
                try await pool.withTransaction { transaction throws(PGError) in
                    let long = String(repeating: "x", count: 101)
                    let refused = await failureOf { () throws(PGError) in
                        try await transaction.execute(Statements.insert, [.int(1), .text(long)])
                    }
                    #expect(refused?.kind == .invalidParameter)
                    try await transaction.execute(Statements.insert, [.int(2), .text("short")])
                    throw PGError(.cancelled, "on purpose")
                }
            }
            #expect(failure?.kind == .cancelled)
            #expect(try await pool.first(Statements.count) == 0)
        }
    }

    @Test func serializationFailuresAreRunAgain() async throws {
        let seen = Observations()
        try await TestDatabase.withPool("tx", observe: { seen.add($0) }) { pool in
            try await pool.execute(Statements.create)
            let ledger = Ledger()
            // Both read before either writes, so one of them must lose and run again.
            await withTaskGroup(of: Void.self) { group in
                for id in 1...2 {
                    group.addTask {
                        let failure = await failureOf { () throws(PGError) in
                            try await pool.withTransaction(isolation: .serializable) { transaction throws(PGError) in
                                let sum = try await transaction.first(Self.read) ?? 0
                                ledger.attempt()
                                _ = try? await eventually { ledger.attemptCount >= 2 }
                                try await transaction.execute(
                                    Statements.insert, [.int(id * 100 + sum), .text("x")])
                            }
                        }
                        #expect(failure == nil)
                    }
                }
            }
            #expect(try await pool.first(Statements.count) == 2)
            #expect(ledger.attemptCount >= 3)
            #expect(seen.count { if case .transactionRetried = $0 { true } else { false } } >= 1)
            // Each transaction has leased a connection.
            #expect(seen.count { if case .leased(_, nil) = $0 { true } else { false } } >= 2)
        }
    }

    @Test func retriesAreBounded() async throws {
        var limits = PGLimits()
        limits.transactionRetriesMax = 2
        try await TestDatabase.withPool("tx", limits: limits) { pool in
            let raise = PGCommand("raise", "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")
            let ledger = Ledger()
            let failure = await failureOf { () throws(PGError) in
                try await pool.withTransaction { transaction throws(PGError) in
                    ledger.attempt()
                    try await transaction.execute(raise)
                }
            }
            #expect(failure?.sqlState == "40001")
            #expect(ledger.attemptCount == 3)
        }
    }

    @Test func largeResultsComeInPages() async throws {
        try await TestDatabase.withPool("tx") { pool in
            let series = PGStatement("numbers.series", "SELECT n FROM generate_series(1, $1) n") {
                row throws(PGError) in try row.next(Int.self)
            }
            for (total, pages) in [(0, 0), (999, 1), (1_000, 1), (1_001, 2), (10_000, 10)] {
                var sum = 0
                var pageCount = 0
                try await pool.withTransaction { transaction throws(PGError) in
                    try await transaction.forEachPage(of: series, [.int(total)], pageRowsMax: 1_000) {
                        rows throws(PGError) in
                        pageCount += 1
                        sum += rows.reduce(0, +)
                    }
                }
                #expect(sum == total * (total + 1) / 2)
                #expect(pageCount == pages)
            }
        }
    }
}
