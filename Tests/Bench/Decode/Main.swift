import Foundation

/// Reads the largest recorded answer of every provider, alternating between our reader with its mapping and
/// Foundation's decoder alone: bench-decode FOLDER ROUNDS SECONDS. Prints a JSON object per measurement.
@main
struct Main {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let rounds = Int(arguments[2]), let seconds = Double(arguments[3]) else {
            throw BenchError("usage: bench-decode FOLDER ROUNDS SECONDS")
        }
        let works = try await Works.all(folder: arguments[1])
        for _ in 0..<rounds {
            for work in works {
                for (side, run) in [("ours", work.ours), ("foundation", work.foundation)] {
                    let microseconds = try measure(for: .seconds(seconds), run)
                    print(
                        #"{"work":"\#(work.name)","bytes":\#(work.bytes),"side":"\#(side)","microseconds":\#(microseconds)}"#
                    )
                }
            }
        }
    }

    /// The mean time of one run, in microseconds, after a warm-up of a tenth of the time.
    private static func measure(for limit: Duration, _ run: () throws -> Int) throws -> Double {
        let clock = ContinuousClock()
        let warm = clock.now.advanced(by: limit / 10)
        while clock.now < warm { _ = try run() }
        let started = clock.now
        var runs = 0
        var found = 0
        var elapsed = Duration.zero
        while elapsed < limit {
            for _ in 0..<5 { found &+= try run() }
            runs += 5
            elapsed = started.duration(to: clock.now)
        }
        if found == 0 { throw BenchError("nothing was read") }
        return elapsed / .microseconds(runs)
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
