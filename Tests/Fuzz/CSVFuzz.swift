import CSV

/// Reads any bytes as a CSV file: the result does not depend on how the file is split, and no bound is exceeded.
enum CSVFuzz {
    private static let limits = CSVLimits(recordBytesMax: 256, fieldsMax: 8, headerBytesMax: 128)

    private struct Reading: Equatable {
        var records: [[[UInt8]]] = []
        var refusals: [CSVRefusal?] = []
        var lines: [Int] = []
        var error: CSVError?
        var separator: UInt8?
    }

    /// The first byte gives the length of the pieces.
    static func run(_ bytes: [UInt8]) -> Int32 {
        guard let size = bytes.first else { return 0 }
        let file = Array(bytes.dropFirst())
        let whole = read(file, by: max(1, file.count))
        let pieces = read(file, by: Int(size) % 16 + 1)
        check(whole == pieces, "a file in pieces reads as another one")
        check(whole.lines == whole.lines.sorted(), "lines go backwards")
        for (record, refusal) in zip(whole.records, whole.refusals) {
            let counts = refusal == nil ? 1...limits.fieldsMax : 0...0
            check(counts.contains(record.count), "a record of \(record.count) fields")
            check(record.reduce(0) { $0 + $1.count } <= limits.recordBytesMax, "a record beyond its bound")
        }
        return 0
    }

    private static func read(_ file: [UInt8], by size: Int) -> Reading {
        var reading = Reading()
        var reader = CSVReader(limits: limits)
        do throws(CSVError) {
            for start in stride(from: 0, to: file.count, by: size) {
                try reader.feed(file[start..<min(start + size, file.count)]) { keep($0, &reading) }
            }
            try reader.finish { keep($0, &reading) }
        } catch {
            reading.error = error
        }
        reading.separator = reader.foundSeparator
        return reading
    }

    private static func keep(_ record: borrowing CSVRecord, _ reading: inout Reading) {
        var fields: [[UInt8]] = []
        for place in 0..<record.count {
            fields.append(Array(record.field(place)))
            _ = record.text(place)
        }
        reading.records.append(fields)
        reading.refusals.append(record.refusal)
        reading.lines.append(record.line)
    }
}
