import Contracts
import Foundation
import JSON

/// Encodes and decodes a page of 100 ratings, alternating between the generated codec and Foundation: bench-json ROUNDS
/// SECONDS. Prints a JSON object per measurement.
@main
struct Main {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let rounds = Int(arguments[1]), let seconds = Double(arguments[2]) else {
            throw BenchError("usage: bench-json ROUNDS SECONDS")
        }
        let works = try Codecs(page: try Page.ratings(100)).works
        for _ in 0..<rounds {
            for work in works {
                let microseconds = try measure(for: .seconds(seconds), work.run)
                print(#"{"work":"\#(work.name)","side":"\#(work.side)","microseconds":\#(microseconds)}"#)
            }
        }
    }

    /// The mean time of one run, in microseconds, after a warm-up of a tenth of the time.
    private static func measure(for limit: Duration, _ run: () throws -> Int) throws -> Double {
        let clock = ContinuousClock()
        var runs = 0
        let warm = clock.now.advanced(by: limit / 10)
        while clock.now < warm { _ = try run() }
        let started = clock.now
        var elapsed = Duration.zero
        var bytes = 0
        while elapsed < limit {
            for _ in 0..<10 { bytes &+= try run() }
            runs += 10
            elapsed = started.duration(to: clock.now)
        }
        if bytes == 0 { throw BenchError("nothing was encoded or decoded") }
        return elapsed / .microseconds(runs)
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
