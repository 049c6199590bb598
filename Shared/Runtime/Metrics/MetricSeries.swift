internal import CoreMetrics
internal import OTLP
internal import Synchronization

/// The type of a family of series, as named by Prometheus.
enum MetricKind: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// One series: a number or a histogram under one name and one set of labels; safe to record to from any thread.
final class MetricSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    private struct State {
        var value = 0.0
        /// Observations per bucket, not cumulative; the last one is +Inf.
        var bucketCounts: [UInt64]
        var observationCount: UInt64 = 0
    }

    let name: String
    /// `a="b",c="d"`, or empty.
    let labels: String
    let dimensions: [(String, String)]
    private let kind: MetricKind
    private let buckets: [Double]
    private let state: Mutex<State>

    init(name: String, labels: String, dimensions: [(String, String)], kind: MetricKind, buckets: [Double]) {
        self.name = name
        self.labels = labels
        self.dimensions = dimensions
        self.kind = kind
        self.buckets = buckets
        state = Mutex(State(bucketCounts: [UInt64](repeating: 0, count: buckets.count + 1)))
    }

    /// The number of lines of this series in the exposition.
    var lineCount: Int { kind == .histogram ? buckets.count + 3 : 1 }

    // MARK: Recording

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) {
        // A counter never falls: a negative or non-finite amount is a caller's mistake and not worth a crash.
        guard kind == .gauge || amount >= 0, amount.isFinite else { return }
        state.withLock { $0.value += amount }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func reset() { state.withLock { $0.value = 0 } }

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) { state.withLock { $0.value = value } }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard kind == .histogram else { return set(value) }
        guard !value.isNaN else { return }
        let bucket = buckets.firstIndex { value <= $0 } ?? buckets.count
        state.withLock { state in
            state.bucketCounts[bucket] += 1
            state.observationCount += 1
            state.value += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    // MARK: Exposition

    /// The current value, for a collector.
    var point: OTLPMetric.Point {
        let current = state.withLock { $0 }
        let value: OTLPMetric.Value =
            switch kind {
            case .counter: .counter(current.value)
            case .gauge: .gauge(current.value)
            case .histogram: .histogram(bounds: buckets, counts: current.bucketCounts, sum: current.value)
            }
        return OTLPMetric.Point(attributes: dimensions.map { OTLPAttribute($0.0, $0.1) }, value: value)
    }

    func append(to text: inout [UInt8]) {
        let current = state.withLock { $0 }
        guard kind == .histogram else {
            MetricText.appendLine(name, labels: labels, current.value, to: &text)
            return
        }
        var below: UInt64 = 0
        for (index, count) in current.bucketCounts.enumerated() {
            below += count
            let bound = index < buckets.count ? MetricText.number(buckets[index]) : "+Inf"
            let separator = labels.isEmpty ? "" : ","
            MetricText.appendLine(
                name + "_bucket", labels: "\(labels)\(separator)le=\"\(bound)\"", Double(below), to: &text)
        }
        MetricText.appendLine(name + "_sum", labels: labels, current.value, to: &text)
        MetricText.appendLine(name + "_count", labels: labels, Double(current.observationCount), to: &text)
    }
}
