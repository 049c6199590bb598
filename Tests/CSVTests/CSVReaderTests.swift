import CSV
import TestSupport
import Testing

@Suite("CSV")
struct CSVReaderTests {
    private func records(
        _ bytes: [UInt8], chunk: Int = .max, limits: CSVLimits = CSVLimits(), separator: UInt8? = nil
    ) throws(CSVError) -> [[String]] {
        var reader = CSVReader(limits: limits, separator: separator)
        var records: [[String]] = []
        let keep: (borrowing CSVRecord) -> Void = { record in
            records.append((0..<record.count).map { String(decoding: record.field($0), as: UTF8.self) })
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            try reader.feed(rest.prefix(chunk), keep)
            rest = rest.dropFirst(chunk)
        }
        try reader.finish(keep)
        return records
    }

    private func records(_ text: String, chunk: Int = .max) throws(CSVError) -> [[String]] {
        try records(Array(text.utf8), chunk: chunk)
    }

    @Test(
        "lines, quotes and separators",
        arguments: [
            ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]), ("a,b\n1,2", [["a", "b"], ["1", "2"]]),
            ("a,b\r1,2\r", [["a", "b"], ["1", "2"]]), ("a,b\r\n1,2\n3,4\r", [["a", "b"], ["1", "2"], ["3", "4"]]),
            ("\u{FEFF}a,b\n1,2\n", [["a", "b"], ["1", "2"]]), ("a;b\n1,5;2\n", [["a", "b"], ["1,5", "2"]]),
            ("a\tb\n1\t2\n", [["a", "b"], ["1", "2"]]), ("\"a;b\",c\n1,2\n", [["a;b", "c"], ["1", "2"]]),
            ("a,b\n\"x\r\ny\",\"he said \"\"no\"\"\"\n", [["a", "b"], ["x\r\ny", "he said \"no\""]]),
            ("a,b\n\"\",\n", [["a", "b"], ["", ""]]), ("a,b\n,", [["a", "b"], ["", ""]]),
            ("a,b\n\"\"", [["a", "b"], [""]]), ("\na,b\n\n1,2\n", [[""], ["a", "b"], [""], ["1", "2"]]),
            ("a,b\n\"x\"y,z\n", [["a", "b"], ["xy", "z"]]), ("a,b\nx\"y\",z\n", [["a", "b"], ["x\"y\"", "z"]]),
            ("alone", [["alone"]]), ("", []),
        ])
    func table(text: String, expected: [[String]]) throws {
        #expect(try records(text) == expected)
        for chunk in 1...4 { #expect(try records(text, chunk: chunk) == expected, "in chunks of \(chunk)") }
    }

    @Test("damaged files are told apart")
    func damaged() {
        #expect(throws: CSVError.onlyNUL) { try records([UInt8](repeating: 0, count: 3_000_000), chunk: 4_096) }
        #expect(throws: CSVError.notUTF8) { try records([0xFF, 0xFE, 0x61, 0, 0x2C, 0]) }
        #expect(throws: CSVError.refusedHeader(.openQuote, line: 1)) { try records("\"a,b\n1,2\n") }
    }

    /// The shape of each record of a file: its line, number of fields and refusal, if any.
    private func shapes(_ text: String, chunk: Int, limits: CSVLimits) throws(CSVError) -> (all: [String], isCut: Bool)
    {
        var reader = CSVReader(limits: limits)
        var shapes: [String] = []
        let keep: (borrowing CSVRecord) -> Void = { record in
            shapes.append("\(record.line) \(record.count)\(record.refusal.map { " \($0)" } ?? "")")
        }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            try reader.feed(rest.prefix(chunk), keep)
            rest = rest.dropFirst(chunk)
        }
        try reader.finish(keep)
        return (shapes, reader.isCutShort)
    }

    /// A single such record used to end the whole file.
    @Test(
        "a record beyond a bound is one record that is refused, and the file goes on", arguments: [1, 2, 3, 5, Int.max])
    func refused(chunk: Int) throws {
        let limits = CSVLimits(recordBytesMax: 8, fieldsMax: 3, headerBytesMax: 16)
        let text = "a,b\n1,2\n\"x\ny\",123456789,\"\n\",1,2,3\n3,4\n1,2,3,4,\"5,\n\"\n5,6\n1,2,3,4"
        let found = try shapes(text, chunk: chunk, limits: limits)
        #expect(found.all == ["1 2", "2 2", "3 0 tooLong", "6 2", "7 0 tooManyFields", "9 2", "10 0 tooManyFields"])
        #expect(!found.isCut)
    }

    @Test("a file that ends within quotes keeps what was before; the rest is one record that tells where the quote is")
    func openQuote() throws {
        for chunk in [1, 2, 3, .max] {
            let cut = try shapes("a,b\n1,2\n3,\"\n4\",\"x,\ny\nz", chunk: chunk, limits: CSVLimits())
            #expect(cut.all == ["1 2", "2 2", "4 0 openQuote"] && cut.isCut)
            let small = CSVLimits(recordBytesMax: 8, fieldsMax: 3, headerBytesMax: 16)
            let long = try shapes("a,b\n1,2\n\"12345\n67890\n1,2,3,4,5\n", chunk: chunk, limits: small)
            #expect(long.all == ["1 2", "2 2", "3 0 openQuote"] && long.isCut)
        }
    }

    @Test("a field that is no text says so")
    func text() throws {
        var reader = CSVReader()
        var texts: [String?] = []
        try reader.feed([0x61, 0x2C, 0xFF, 0x2C, 0, 0x0A] as [UInt8]) { record in
            texts = (0...3).map { record.text($0) }
        }
        #expect(texts == ["a", nil, nil, ""])
    }

    @Test("limits hold at their bounds")
    func limits() throws {
        let limits = CSVLimits(recordBytesMax: 8, fieldsMax: 3, headerBytesMax: 16)
        #expect(try records(Array("a,b,c\n12345678\n".utf8), limits: limits).count == 2)
        #expect(try records(Array("a,b\n123456789\n1\n".utf8), limits: limits) == [["a", "b"], [], ["1"]])
        #expect(try records(Array("a,b\n1,2,3\n1,2,3,4\n".utf8), limits: limits).map(\.count) == [2, 3, 0])
        #expect(throws: CSVError.refusedHeader(.tooManyFields, line: 2)) {
            try records(Array("\na,b,c,d\n".utf8), limits: limits)
        }
        #expect(throws: CSVError.refusedHeader(.tooLong, line: 1)) {
            try records([UInt8](repeating: 0x61, count: 1_000), chunk: 1, limits: limits)
        }
    }

    @Test("a separator that comes late is found late or never, whatever the chunks")
    func lateSeparator() throws {
        let limits = CSVLimits(recordBytesMax: 256, fieldsMax: 8, headerBytesMax: 16)
        for count in 10...20 {
            let text = Array((String(repeating: "0", count: count) + ";2\r1;2").utf8)
            let whole = try records(text, limits: limits)
            for chunk in 1...20 {
                #expect(try records(text, chunk: chunk, limits: limits) == whole, "\(count) in chunks of \(chunk)")
            }
        }
    }

    @Test("a record tells its line, counting those within quotes")
    func lines() throws {
        var reader = CSVReader()
        var lines: [Int] = []
        try reader.feed(Array("a,b\n\"x\ny\n\",1\nz,2\n".utf8)) { lines.append($0.line) }
        try reader.finish { lines.append($0.line) }
        #expect(lines == [1, 2, 5])
    }

    @Test("what was written as CSV is read again, whatever the chunks", arguments: [UInt64.random(in: 0..<UInt64.max)])
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let letters = ["a", "é", "\"", ",", ";", "\n", "\r\n", "\t", " ", "冬"]
        for _ in 0..<300 {
            let width = Int.random(in: 2...5, using: &random)
            var rows = [(0..<width).map { "column\($0)" }]
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                rows.append(
                    (0..<width).map { _ in
                        (0..<Int.random(in: 0...6, using: &random)).map { _ in letters.randomElement(using: &random)! }
                            .joined()
                    })
            }
            let separator = [",", ";", "\t"].randomElement(using: &random)!
            let ending = ["\n", "\r\n"].randomElement(using: &random)!
            let text = rows.map { row in
                row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: separator) + ending
            }.joined()
            let chunk = Int.random(in: 1...20, using: &random)
            #expect(
                try records(text, chunk: chunk) == rows, "seed \(seed), chunks of \(chunk): \(text.debugDescription)")
        }
    }

    @Test("any bytes are read to an end, the same in any chunks", arguments: [UInt64.random(in: 0..<UInt64.max)])
    func anyBytes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = Array("ab\"\",;\n\r\t".utf8) + [0, 0xEF, 0xBB, 0xBF, 0xFF]
        let limits = CSVLimits(recordBytesMax: 40, fieldsMax: 6, headerBytesMax: 24)
        for _ in 0..<2_000 {
            let input = (0..<Int.random(in: 0...60, using: &random)).map { _ in bytes.randomElement(using: &random)! }
            let whole = Result { () throws(CSVError) in try records(input, limits: limits, separator: 0x2C) }
            let chunk = Int.random(in: 1...7, using: &random)
            let parts = Result { () throws(CSVError) in
                try records(input, chunk: chunk, limits: limits, separator: 0x2C)
            }
            #expect(whole == parts, "seed \(seed), chunks of \(chunk): \(input)")
        }
    }
}
