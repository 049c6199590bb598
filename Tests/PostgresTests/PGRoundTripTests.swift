import Postgres
import Testing
import TestSupport

/// Round trips of every parameter type through Postgres, with NULL, and arrays that contain NULL.
@Suite struct PGRoundTripTests {
    static func echo<Value: PGDecodable & Sendable>(
        _ pool: PGPool, _ value: PGValue, _ type: Value.Type
    ) async throws -> Value {
        let statement = PGStatement("echo", "SELECT $1") { row throws(PGError) in try row.next(Value.self) }
        return try #require(try await pool.first(statement, [value]))
    }

    @Test func scalars() async throws {
        try await TestDatabase.withPool("round") { pool async throws in
            for value in [true, false, nil] { #expect(try await Self.echo(pool, .bool(value), Bool?.self) == value) }
            for value in [Int16.min, 0, .max, nil] {
                #expect(try await Self.echo(pool, .int2(value), Int16?.self) == value)
            }
            for value in [Int32.min, 0, .max, nil] {
                #expect(try await Self.echo(pool, .int4(value), Int32?.self) == value)
            }
            for value in [Int64.min, 0, .max, nil] {
                #expect(try await Self.echo(pool, .int8(value), Int64?.self) == value)
            }
            for value in [0.1, -.infinity, .greatestFiniteMagnitude, nil] {
                #expect(try await Self.echo(pool, .double(value), Double?.self) == value)
            }
            for value in ["", "Amélie 🎬", String(repeating: "x", count: 100_000), nil] {
                #expect(try await Self.echo(pool, .text(value), String?.self) == value)
            }
            for value in [[], [0, 255, 10], [UInt8](repeating: 7, count: 70_000), nil] {
                #expect(try await Self.echo(pool, .bytea(value), [UInt8]?.self) == value)
            }
            for value in [PGUUID(high: .max, low: 1), nil] {
                #expect(try await Self.echo(pool, .uuid(value), PGUUID?.self) == value)
            }
            for value in [PGTimestamp(microseconds: 1_700_000_000_123_456), PGTimestamp(microseconds: -1), nil] {
                #expect(try await Self.echo(pool, .timestamp(value), PGTimestamp?.self) == value)
            }
            for value in [PGDate(year: 1895, month: 12, day: 28), PGDate(days: 0), nil] {
                #expect(try await Self.echo(pool, .date(value), PGDate?.self) == value)
            }
            let json = Array(#"{"a": [1, null]}"#.utf8)
            #expect(try await Self.echo(pool, .jsonb(json), PGJSON?.self)?.bytes == json)
            #expect(try await Self.echo(pool, .jsonb(nil), PGJSON?.self) == nil)
        }
    }

    @Test func tenthsAgreeWithPostgres() async throws {
        try await TestDatabase.withPool("round") { pool async throws in
            let text = PGStatement("tenths.text", "SELECT $1::text, $1") { row throws(PGError) in
                (try row.next(String.self), try row.next(PGTenths.self).tenths)
            }
            for tenths in [
                0, 1, -1, 10, 85, 100, 99_999, 100_000, 1_234_567, -1_234_560, 99_990_001, 1_000_000_000_005,
            ] {
                let sign = tenths < 0 ? "-" : ""
                let expected = "\(sign)\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
                let found = try #require(try await pool.first(text, [.tenths(PGTenths(tenths: tenths))]))
                #expect(found.0 == expected)
                #expect(found.1 == tenths)
            }
            let read = PGStatement("tenths.read", "SELECT $1::numeric(8,3)") { row throws(PGError) in
                try row.next(PGTenths.self)
            }
            #expect(try await pool.first(read, [.inferred("8.500")]) == PGTenths(tenths: 85))
            #expect(try await pool.first(read, [.inferred("10000")]) == PGTenths(tenths: 100_000))
            #expect(try await pool.first(read, [.inferred("0.1")]) == PGTenths(tenths: 1))
            #expect(
                await failureOf { () throws(PGError) in try await pool.query(read, [.inferred("8.55")]) }?.kind
                    == .decoding)
            #expect(
                await failureOf { () throws(PGError) in try await pool.query(read, [.inferred("NaN")]) }?.kind
                    == .decoding)
        }
    }

    @Test func arrays() async throws {
        try await TestDatabase.withPool("round") { pool async throws in
            #expect(try await Self.echo(pool, .boolArray([true, nil]), [Bool?].self) == [true, nil])
            #expect(try await Self.echo(pool, .int2Array([1, -2]), [Int16].self) == [1, -2])
            #expect(try await Self.echo(pool, .int4Array([1, nil]), [Int32?].self) == [1, nil])
            #expect(try await Self.echo(pool, .int8Array([]), [Int64].self) == [])
            #expect(try await Self.echo(pool, .intArray([5, 6]), [Int].self) == [5, 6])
            #expect(try await Self.echo(pool, .doubleArray([0.5, nil]), [Double?].self) == [0.5, nil])
            #expect(try await Self.echo(pool, .textArray(["a", "", nil, "ß"]), [String?].self) == ["a", "", nil, "ß"])
            #expect(try await Self.echo(pool, .byteaArray([[1], []]), [[UInt8]].self) == [[1], []])
            let ids = (0..<1_000).map { PGUUID(high: UInt64($0), low: 1) }
            #expect(try await Self.echo(pool, .uuidArray(ids), [PGUUID].self) == ids)
            let time = PGTimestamp(microseconds: 5)
            #expect(try await Self.echo(pool, .timestampArray([time, nil]), [PGTimestamp?].self) == [time, nil])
            let day = PGDate(days: -5)
            #expect(try await Self.echo(pool, .dateArray([day]), [PGDate].self) == [day])
            let tenths = PGTenths(tenths: 75)
            #expect(try await Self.echo(pool, .tenthsArray([tenths, nil]), [PGTenths?].self) == [tenths, nil])
            #expect(try await Self.echo(pool, .jsonbArray([Array("1".utf8)]), [PGJSON].self).map(\.bytes) == [[0x31]])
            #expect(try await Self.echo(pool, .textArray(nil), [String]?.self) == nil)
        }
    }

    @Test func unnestWritesManyRowsAtOnce() async throws {
        try await TestDatabase.withPool("round") { pool async throws in
            try await pool.execute(Statements.create)
            let insert = PGCommand("items.many", "INSERT INTO items SELECT * FROM unnest($1, $2)")
            let ids = Array(1...5_000)
            let count = try await pool.execute(insert, [.intArray(ids), .textArray(ids.map { "label \($0)" })])
            #expect(count == 5_000)
            #expect(try await pool.first(Statements.get, [.int(4_999)]) == Item(id: 4_999, label: "label 4999"))
        }
    }

    @Test func aRowThatIsNotReadToItsEndLeavesNothingToTheNext() async throws {
        try await TestDatabase.withPool("round") { pool async throws in
            let labels = PGStatement(
                "rows.partly",
                "SELECT label, id FROM (VALUES (1, NULL), (2, ''), (3, 'x')) AS v (id, label) ORDER BY id"
            ) { row throws(PGError) in try row.next(String?.self) }
            let found = try await pool.query(labels)
            #expect(found == [nil, "", "x"])
        }
    }

    @Test func wrongShapesAreDecodingErrors() async throws {
        try await TestDatabase.withPool("round") { pool async throws in
            let wrongType = PGStatement("wrong.type", "SELECT 'x'") { row throws(PGError) in try row.next(Int.self) }
            let null = PGStatement("wrong.null", "SELECT NULL::int") { row throws(PGError) in try row.next(Int.self) }
            let narrow = PGStatement("wrong.width", "SELECT 70000") { row throws(PGError) in try row.next(Int16.self) }
            let short = PGStatement("wrong.count", "SELECT 1") { row throws(PGError) in
                (try row.next(Int.self), try row.next(Int.self))
            }
            #expect(await failureOf { () throws(PGError) in try await pool.query(wrongType) }?.kind == .decoding)
            #expect(await failureOf { () throws(PGError) in try await pool.query(null) }?.kind == .decoding)
            #expect(await failureOf { () throws(PGError) in try await pool.query(narrow) }?.kind == .decoding)
            let found = await failureOf { () throws(PGError) in try await pool.query(short) }
            #expect(found?.kind == .decoding)
            #expect(found?.statement == "wrong.count")
        }
    }

    @Test func invalidParametersNeverReachPostgres() async throws {
        var limits = PGLimits()
        limits.parameterBytesMax = 100
        try await TestDatabase.withPool("round", limits: limits) { pool async throws in
            let echo = PGStatement("echo.text", "SELECT $1") { row throws(PGError) in try row.next(String.self) }
            let zero = await failureOf { () throws(PGError) in try await pool.query(echo, [.inferred("a\0b")]) }
            #expect(zero?.kind == .invalidParameter)
            let exact = String(repeating: "x", count: 100)
            #expect(try await pool.first(echo, [.text(exact)]) == exact)
            let long = await failureOf { () throws(PGError) in try await pool.query(echo, [.text(exact + "x")]) }
            #expect(long?.kind == .invalidParameter)
        }
    }
}
