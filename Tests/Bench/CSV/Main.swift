import CSV
import Foundation

/// Parses a file repeatedly with our reader for a number of seconds, reading every field as text, and prints the
/// throughput in bytes per second.
@main
enum Main {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let limit = Double(arguments[2]) else {
            FileHandle.standardError.write(Data("usage: bench-csv FILE SECONDS\n".utf8))
            exit(2)
        }
        let data = Array(try Data(contentsOf: URL(filePath: arguments[1])))
        var (bytes, elapsed) = (0, 0.0)
        var found = Found()
        let clock = ContinuousClock()
        repeat {
            found = Found()
            elapsed += try clock.measure { found = try read(data) } / .seconds(1)
            bytes += data.count
        } while elapsed < limit
        print(
            "{\"records\":\(found.records),\"fields\":\(found.fields),\"bytes\":\(found.bytes),\"bytes_per_second\":\(Double(bytes) / elapsed)}"
        )
    }

    private struct Found {
        var (records, fields, bytes) = (0, 0, 0)
    }

    /// Reads the data in pieces, like an upload.
    private static func read(_ data: [UInt8]) throws -> Found {
        var found = Found()
        var reader = CSVReader()
        func take(_ record: borrowing CSVRecord) {
            guard !record.isBlank else { return }
            found.records += 1
            found.fields += record.count
            for index in 0..<record.count { found.bytes += record.text(index)?.utf8.count ?? 0 }
        }
        for start in stride(from: 0, to: data.count, by: 65_536) {
            try reader.feed(Array(data[start..<min(start + 65_536, data.count)]), take)
        }
        try reader.finish(take)
        return found
    }
}
