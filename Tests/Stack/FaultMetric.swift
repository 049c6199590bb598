/// A metric that must reveal a fault: it is read before the fault is injected and must have risen soon after.
package struct FaultMetric: Sendable {
    /// How soon a fault must show.
    private static let patience = Duration.seconds(30)

    private let metric: String
    private let process: StackProcess
    private let before: Double
    private let begun: ContinuousClock.Instant

    /// Reads the metric; call this just before injecting the fault. `metric` is written as in `docs/operations.md`,
    /// such as `jobs_total{fate="done"}`; `before` is the value of a gauge without the fault, if the fault is already
    /// present.
    package init(_ metric: String, of process: StackProcess, before: Double? = nil) async throws {
        self.metric = metric
        self.process = process
        let now = try await process.total(metric)
        self.before = before ?? now
        begun = .now
    }

    /// Waits until the metric has risen, until at most 30 s after its creation; later calls do not wait. Throws if it
    /// has not risen.
    package func rises(by amount: Double = 1) async throws {
        var now = try await process.total(metric)
        while now < before + amount {
            guard begun.duration(to: .now) < Self.patience else {
                throw StackError("\(metric) of \(process.name) was \(before), and is \(now) after \(Self.patience)")
            }
            try await Task.sleep(for: .milliseconds(100))
            now = try await process.total(metric)
        }
        let milliseconds = Int(begun.duration(to: .now) / .milliseconds(1))
        print("fault seen: \(metric) of \(process.name) rose to \(now) within \(milliseconds) ms")
    }
}

extension StackProcess {
    /// The sum of a metric's series that have the named labels, whatever other labels they have; for a histogram, its
    /// count. 0 if there are none.
    fileprivate func total(_ metric: String) async throws -> Double {
        let wanted = Series(metric[...])
        let text = try await Wire.send("GET", "http://127.0.0.1:\(adminPort)/metrics").text
        return text.split(separator: "\n").reduce(0) { sum, line in
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                return sum
            }
            let series = Series(line[..<space])
            let isMeant = series.name == wanted.name || series.name == "\(wanted.name)_count"
            return isMeant && wanted.labels.isSubset(of: series.labels) ? sum + value : sum
        }
    }
}

/// A metric name with labels whose values contain no comma or brace.
private struct Series {
    let name: String
    let labels: Set<Substring>

    init(_ text: Substring) {
        let parts = text.split(separator: "{", maxSplits: 1)
        name = String(parts.first ?? "")
        labels = parts.count > 1 ? Set(parts[1].dropLast().split(separator: ",")) : []
    }
}
