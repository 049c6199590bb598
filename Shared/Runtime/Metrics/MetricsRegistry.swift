package import CoreMetrics
package import OTLP
internal import Synchronization

/// Bounds of one process's metrics.
package struct MetricsLimits: Sendable {
    /// Lines of the exposition; a histogram counts once per bucket and three times more. Further series are dropped.
    /// Room for every statement and method of scrobble with both outcomes: 300 and 80 of them, 17 lines each.
    package var seriesMax = 20_000

    package init() {}

    package init(seriesMax: Int) { self.seriesMax = seriesMax }
}

/// Collects the process's metrics and writes them in the Prometheus text format (version 0.0.4).
///
/// Names and labels are made valid; counters end in `_total`, timers in `_seconds`. A name has one kind: an instrument
/// of another kind under the same name, or one beyond the limit, records nothing and is counted.
package final class MetricsRegistry: MetricsFactory {
    /// Bucket bounds of timers, in seconds.
    package static let secondsBuckets: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]
    /// Bucket bounds of recorders without their own: counts and sizes.
    package static let countBuckets: [Double] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 10_000, 100_000, 1_000_000]

    private static let ownSeriesCount = 2

    private struct Family {
        let kind: MetricKind
        var series: [String: MetricSeries] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var seriesCount = MetricsRegistry.ownSeriesCount
        var refusedCount = 0
    }

    private let limits: MetricsLimits
    private let help: [String: String]
    private let buckets: [String: [Double]]
    private let state = Mutex(State())

    /// `help` and `buckets` (ascending upper bounds) are keyed by exposition name.
    package init(
        limits: MetricsLimits = MetricsLimits(), help: [String: String] = [:], buckets: [String: [Double]] = [:]
    ) {
        self.limits = limits
        self.help = help
        self.buckets = buckets
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(MetricName.counter(label), dimensions, .counter)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(MetricName.counter(label), dimensions, .counter)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(MetricName.valid(label), dimensions, .gauge)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        series(MetricName.valid(label), dimensions, aggregate ? .histogram : .gauge)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(MetricName.timer(label), dimensions, .histogram, defaultBuckets: Self.secondsBuckets)
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler as? MetricSeries) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        remove(handler as? MetricSeries)
    }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler as? MetricSeries) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler as? MetricSeries) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler as? MetricSeries) }

    // MARK: Exposition

    /// Returns the whole exposition, sorted by name and labels, followed by `extra` (complete families).
    package func exposition(extra: [UInt8] = []) -> [UInt8] {
        let (families, seriesCount, refusedCount) = state.withLock { ($0.families, $0.seriesCount, $0.refusedCount) }
        var text: [UInt8] = []
        text.reserveCapacity(seriesCount * 80)
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            MetricText.appendHead(name: name, kind: family.kind, help: help[name], to: &text)
            for (_, series) in family.series.sorted(by: { $0.key < $1.key }) { series.append(to: &text) }
        }
        MetricText.appendSingle(
            "reelay_metrics_series", .gauge, Double(seriesCount), help: "Series that this process holds.", to: &text)
        MetricText.appendSingle(
            "reelay_metrics_refused_total", .counter, Double(refusedCount),
            help: "Instruments refused: past the limit of series, or a name used with two kinds.", to: &text)
        text.append(contentsOf: extra)
        return text
    }

    /// Returns the metrics for a collector, sorted by name.
    package func points() -> [OTLPMetric] {
        state.withLock { $0.families }.sorted { $0.key < $1.key }.map { name, family in
            OTLPMetric(name: name, points: family.series.sorted { $0.key < $1.key }.map { $0.value.point })
        }
    }

    private func series(
        _ name: String, _ dimensions: [(String, String)], _ kind: MetricKind, defaultBuckets: [Double]? = nil
    ) -> MetricSeries {
        let labels = MetricText.labels(dimensions)
        return state.withLock { state in
            if let family = state.families[name] {
                guard family.kind == kind else {
                    state.refusedCount += 1
                    return MetricSeries(
                        name: name, labels: labels, dimensions: dimensions, kind: kind, buckets: [])
                }
                if let series = family.series[labels] { return series }
            }
            let bounds = kind == .histogram ? buckets[name] ?? defaultBuckets ?? Self.countBuckets : []
            let series = MetricSeries(
                name: name, labels: labels, dimensions: dimensions, kind: kind, buckets: bounds)
            guard state.seriesCount + series.lineCount <= limits.seriesMax else {
                state.refusedCount += 1
                return series
            }
            state.seriesCount += series.lineCount
            state.families[name, default: Family(kind: kind)].series[labels] = series
            return series
        }
    }

    private func remove(_ series: MetricSeries?) {
        guard let series else { return }
        state.withLock { state in
            guard state.families[series.name]?.series[series.labels] === series else { return }
            state.families[series.name]?.series[series.labels] = nil
            if state.families[series.name]?.series.isEmpty == true { state.families[series.name] = nil }
            state.seriesCount -= series.lineCount
        }
    }
}
