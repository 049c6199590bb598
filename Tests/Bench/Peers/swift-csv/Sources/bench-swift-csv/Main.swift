import Foundation
import SwiftCSV

/// Parses a file repeatedly with SwiftCSV for a number of seconds, and prints the throughput in bytes per second.
@main
enum Main {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let limit = Double(arguments[2]) else {
            FileHandle.standardError.write(Data("usage: bench-swift-csv FILE SECONDS\n".utf8))
            exit(2)
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: arguments[1]))
        var (bytes, elapsed) = (0, 0.0)
        var found = (records: 0, fields: 0, bytes: 0)
        let clock = ContinuousClock()
        repeat {
            found = (0, 0, 0)
            elapsed +=
                try clock.measure {
                    // Decoding to text is part of the work, and the header counts as a record.
                    let csv = try EnumeratedCSV(
                        string: String(decoding: data, as: UTF8.self), delimiter: .comma, loadColumns: false)
                    func take(_ record: [String]) {
                        found.records += 1
                        found.fields += record.count
                        for field in record { found.bytes += field.utf8.count }
                    }
                    take(csv.header)
                    for record in csv.rows { take(record) }
                } / .seconds(1)
            bytes += data.count
        } while elapsed < limit
        print(
            "{\"records\":\(found.records),\"fields\":\(found.fields),\"bytes\":\(found.bytes),\"bytes_per_second\":\(Double(bytes) / elapsed)}"
        )
    }
}
