import Postgres
import Testing
import TestSupport

@Suite struct PGCopyTests {
    static let sql = "COPY items (id, label) FROM STDIN (FORMAT binary)"

    @Test func aHundredThousandRows() async throws {
        try await TestDatabase.withPool("copy") { pool in
            try await pool.execute(Statements.create)
            let count = try await pool.withTransaction { transaction throws(PGError) in
                try await transaction.copy(Self.sql) { writer throws(PGError) in
                    for id in 0..<100_000 { try await writer.write([.int(id), .text("label \(id)")]) }
                }
            }
            #expect(count == 100_000)
            #expect(try await pool.first(Statements.count) == 100_000)
            #expect(try await pool.first(Statements.get, [.int(99_999)]) == Item(id: 99_999, label: "label 99999"))
        }
    }

    @Test func aBadRowUndoesTheCopyAndLeavesThePoolUsable() async throws {
        try await TestDatabase.withPool("copy") { pool in
            try await pool.execute(Statements.create)
            let failure = await failureOf { () throws(PGError) in
                try await pool.withTransaction { transaction throws(PGError) in
                    try await transaction.copy(Self.sql) { writer throws(PGError) in
                        for id in 0..<50_000 {
                            try await writer.write([.int(id), .text(id == 100 ? "bad" : "a longer label \(id)")])
                        }
                    }
                }
            }
            #expect(failure?.constraint == "items_label_check")
            #expect(try await pool.first(Statements.count) == 0)
        }
    }

    @Test func aBodyThatThrowsUndoesTheCopy() async throws {
        try await TestDatabase.withPool("copy") { pool in
            try await pool.execute(Statements.create)
            let failure = await failureOf { () throws(PGError) in
                try await pool.withTransaction { transaction throws(PGError) in
                    try await transaction.copy(Self.sql) { writer throws(PGError) in
                        try await writer.write([.int(1), .text("a")])
                        throw PGError(.invalidParameter, "changed my mind")
                    }
                }
            }
            #expect(failure?.message == "changed my mind")
            #expect(try await pool.first(Statements.count) == 0)
            #expect(pool.snapshot.leasedCount == 0)
        }
    }

    @Test func aRefusedCopyIsTyped() async throws {
        try await TestDatabase.withPool("copy") { pool in
            let failure = await failureOf { () throws(PGError) in
                try await pool.withTransaction { transaction throws(PGError) in
                    try await transaction.copy("COPY nowhere FROM STDIN (FORMAT binary)") { _ throws(PGError) in }
                }
            }
            #expect(failure?.sqlState == "42P01")
        }
    }
}
