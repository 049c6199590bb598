import Testing
import TestSupport

@testable import Postgres

/// Concurrent waiting calls of the same statement travel as one statement.
@Suite struct PGGatherTests {
    private static let get = PGStatement(
        "items.get", "SELECT id, label FROM items WHERE id = $1",
        many: PGManyText(
            """
            SELECT place, items.id, label FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (id, place)
            JOIN items USING (id)
            """)
    ) { row throws(PGError) in Item(id: try row.next(), label: try row.next()) }

    private static let put = PGCommand(
        "items.put",
        "INSERT INTO items (id, label) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET label = excluded.label",
        many: PGManyText(
            """
            INSERT INTO items (id, label) SELECT * FROM unnest($1::bigint[], $2::text[])
            ON CONFLICT (id) DO UPDATE SET label = excluded.label
            """, keyCount: 1))

    @Test func eachCallGetsItsOwnRows() async throws {
        try await TestDatabase.withPool("gather") { pool in
            try await pool.execute(Statements.create)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in 0..<500 {
                    group.addTask { try await pool.execute(Self.put, [.int(id), .text("label \(id)")]) }
                }
                try await group.waitForAll()
            }
            let before = pool.snapshot
            let found = try await withThrowingTaskGroup(of: (Int, [Item]).self) { group in
                for id in 0..<1_000 { group.addTask { (id, try await pool.query(Self.get, [.int(id)])) } }
                return try await group.reduce(into: [Int: [Item]]()) { $0[$1.0] = $1.1 }
            }
            #expect(found.count == 1_000)
            for (id, rows) in found {
                #expect(rows == (id < 500 ? [Item(id: id, label: "label \(id)")] : []))
            }
            #expect(pool.snapshot.batchesTotal - before.batchesTotal < 500)
            #expect(pool.snapshot.rerunsTotal == 0)
        }
    }

    @Test func eachCallGetsAllOfItsRowsInTheirOrder() async throws {
        let upTo = PGStatement(
            "items.upTo", "SELECT n, 'item ' || n FROM generate_series(1, $1) AS n ORDER BY n",
            many: PGManyText(
                """
                SELECT place, n, 'item ' || n FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (number, place),
                    generate_series(1, number) AS n
                ORDER BY n
                """)
        ) { row throws(PGError) in Item(id: try row.next(), label: try row.next()) }
        try await TestDatabase.withPool("gather") { pool in
            let found = try await withThrowingTaskGroup(of: (Int, [Item]).self) { group in
                for call in 0..<300 { group.addTask { (call, try await pool.query(upTo, [.int(call % 7)])) } }
                return try await group.reduce(into: [Int: [Item]]()) { $0[$1.0] = $1.1 }
            }
            #expect(found.count == 300)
            for (call, rows) in found {
                #expect(rows == (0..<call % 7).map { Item(id: $0 + 1, label: "item \($0 + 1)") })
            }
        }
    }

    @Test func aRowErrorStaysWithItsCall() async throws {
        try await TestDatabase.withPool("gather") { pool in
            try await pool.execute(Statements.create)
            let failures = await withTaskGroup(of: (Int, PGError?).self) { group in
                for id in 0..<300 {
                    group.addTask {
                        let label = id % 50 == 7 ? "bad" : "good"
                        return (
                            id,
                            await failureOf { () throws(PGError) in
                                try await pool.execute(Self.put, [.int(id), .text(label)])
                            }
                        )
                    }
                }
                return await group.reduce(into: [Int: PGError?]()) { $0[$1.0] = $1.1 }
            }
            for (id, failure) in failures {
                #expect(failure?.constraint == (id % 50 == 7 ? "items_label_check" : nil))
            }
            #expect(try await pool.first(Statements.count) == 294)
            #expect(pool.snapshot.rerunsTotal > 0)
        }
    }

    @Test func callsWithTheSameKeyAreNotInOneGroup() async throws {
        try await TestDatabase.withPool("gather") { pool in
            try await pool.execute(Statements.create)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask { try await pool.execute(Self.put, [.int(number % 5), .text("label \(number)")]) }
                }
                try await group.waitForAll()
            }
            #expect(try await pool.first(Statements.count) == 5)
            #expect(pool.snapshot.rerunsTotal == 0)
        }
    }

    @Test func aLoneCallUsesTheSingleForm() async throws {
        try await TestDatabase.withPool("gather") { pool in
            let form = PGStatement(
                "tests.form", "SELECT 'one' WHERE $1 > 0",
                many: PGManyText(
                    "SELECT place, 'many' FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (number, place)")
            ) { row throws(PGError) in try row.next(String.self) }
            let first = try await pool.first(form, [.int(1)])
            let second = try await pool.first(form, [.int(1)])
            #expect(first == "one")
            #expect(second == "one")
        }
    }

    @Test func whatASynchronousBlockSubmitsLeavesTogether() async throws {
        try await TestDatabase.withPool("gather") { pool in
            _ = try await pool.first(Statements.add, [.int(1), .int(1)])
            #expect(try await quiet(pool))
            let before = pool.snapshot
            let tasks = SharedList<Task<Int?, Never>>([])
            pool.together {
                for number in 0..<20 {
                    let task = Task.immediate { try? await pool.first(Statements.add, [.int(number), .int(1)]) }
                    tasks.append(task)
                }
            }
            for (number, task) in tasks.all.enumerated() { #expect(await task.value == number + 1) }
            #expect(pool.snapshot.batchesTotal == before.batchesTotal + 1)
        }
    }

    // MARK: The plan, without a server

    private static func request(_ id: Int, _ text: PGStatementText, _ values: [PGValue]) throws -> PGRequest {
        PGRequest(
            id: id, text: text, parameters: try PGParameters(values, bytesMax: 1 << 20), submitted: .now,
            deadline: .now + .seconds(1), lossIsUnknown: false, completion: .unobserved)
    }

    @Test func groupsKeepKeysAndTypesApart() throws {
        let plain = PGCommand("plain", "SELECT $1")
        var requests = [
            try Self.request(1, Self.put.text, [.int(1), .text("a")]),
            try Self.request(2, plain.text, [.int(1)]),
            try Self.request(3, Self.put.text, [.int(2), .text("b")]),
            try Self.request(4, Self.put.text, [.int(1), .text("c")]),
            try Self.request(5, Self.put.text, [.int(3), .inferred("d")]),
            try Self.request(6, plain.text, [.int(2)]),
            try Self.request(7, Self.put.text, [.int(1), .text("e")]),
            try Self.request(8, Self.put.text, [.int(2), .text("f")]),
        ]
        let statements = PGWireStatement.gather(&requests)
        #expect(requests.map(\.id) == [1, 3, 2, 4, 8, 5, 6, 7])
        #expect(statements.map(\.callCount) == [2, 1, 2, 1, 1, 1])
        #expect(statements.map { $0.sql.contains("unnest") } == [true, false, true, false, false, false])
    }

    @Test func valuesBecomeArraysOfTheSameBytes() throws {
        let calls = [
            try PGParameters([.uuid(PGUUID(high: 1, low: 2)), .text("a"), .bool(nil)], bytesMax: 1 << 20),
            try PGParameters([.uuid(PGUUID(high: 3, low: 4)), .text(""), .bool(true)], bytesMax: 1 << 20),
        ]
        let arrays = try PGParameters(
            [
                .uuidArray([PGUUID(high: 1, low: 2), PGUUID(high: 3, low: 4)]), .textArray(["a", ""]),
                .boolArray([nil, true]),
            ], bytesMax: 1 << 20)
        let spread = PGParameters(over: calls)
        #expect(spread.bytes == arrays.bytes)
        #expect(spread.typesHash == arrays.typesHash)
        #expect(spread.fields.map(\.length) == arrays.fields.map(\.length))
    }
}
