import CoreMetrics
import Foundation
import Testing

@testable import Runtime

@Suite struct MetricsTests {
    private static func text(_ registry: MetricsRegistry) -> String {
        String(decoding: registry.exposition(), as: UTF8.self)
    }

    /// The lines of one family in the exposition.
    private static func lines(_ registry: MetricsRegistry, _ prefix: String) -> [String] {
        text(registry).split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
    }

    @Test func `counters, gauges and histograms are written as Prometheus reads them`() {
        let registry = MetricsRegistry(
            help: ["rpc_requests_total": "Calls,\nby method."], buckets: ["batch_rows": [1, 2.5, 10]])
        let counter = registry.makeCounter(label: "rpc.requests", dimensions: [("method", "a"), ("code", "0")])
        counter.increment(by: 2)
        registry.makeCounter(label: "rpc.requests", dimensions: [("code", "0"), ("method", "a")]).increment(by: 1)
        registry.makeFloatingPointCounter(label: "work_total", dimensions: []).increment(by: 0.5)
        let gauge = registry.makeMeter(label: "pool-size", dimensions: [])
        gauge.set(5.0)
        gauge.increment(by: 2)
        gauge.decrement(by: 0.5)
        let rows = registry.makeRecorder(label: "batch_rows", dimensions: [("q", "x")], aggregate: true)
        for value in [0.5, 1, 2, 3, 100] { rows.record(value) }
        #expect(
            Self.lines(registry, "# HELP rpc") + Self.lines(registry, "# TYPE rpc") + Self.lines(registry, "rpc") == [
                #"# HELP rpc_requests_total Calls,\nby method."#, "# TYPE rpc_requests_total counter",
                #"rpc_requests_total{code="0",method="a"} 3"#,
            ])
        #expect(Self.lines(registry, "work_total") == ["work_total 0.5"])
        #expect(Self.lines(registry, "pool_size") == ["pool_size 6.5"])
        #expect(
            Self.lines(registry, "batch_rows") == [
                #"batch_rows_bucket{q="x",le="1"} 2"#, #"batch_rows_bucket{q="x",le="2.5"} 3"#,
                #"batch_rows_bucket{q="x",le="10"} 4"#, #"batch_rows_bucket{q="x",le="+Inf"} 5"#,
                #"batch_rows_sum{q="x"} 106.5"#, #"batch_rows_count{q="x"} 5"#,
            ])
    }

    @Test func `timers count seconds`() {
        let registry = MetricsRegistry()
        registry.makeTimer(label: "call.duration", dimensions: []).recordNanoseconds(2_500_000)
        let lines = Self.lines(registry, "call_duration_seconds")
        #expect(lines.contains(#"call_duration_seconds_bucket{le="0.001"} 0"#))
        #expect(lines.contains(#"call_duration_seconds_bucket{le="0.0025"} 1"#))
        #expect(lines.contains("call_duration_seconds_sum 0.0025"))
    }

    @Test func `label values are escaped and bounded, names made valid`() {
        let registry = MetricsRegistry()
        registry.makeCounter(
            label: "9x-y.z", dimensions: [("le", "a\"b\\c\nd"), ("__x", String(repeating: "é", count: 500)), ("", "e")]
        ).increment(by: 1)
        let line = Self.lines(registry, "_9x_y_z_total").first ?? ""
        #expect(line.contains(#"labelle="a\"b\\c\nd""#))
        #expect(line.contains("label__x=\"\(String(repeating: "é", count: 64))\""))
        #expect(line.contains(#"_="e""#))
    }

    @Test func `a counter never falls and numbers stay numbers`() {
        let registry = MetricsRegistry()
        let counter = registry.makeFloatingPointCounter(label: "c", dimensions: [])
        for amount in [1, -5, Double.nan, .infinity] { counter.increment(by: amount) }
        #expect(Self.lines(registry, "c_total") == ["c_total 1"])
        let gauge = registry.makeMeter(label: "g", dimensions: [])
        for (value, text) in [(Double.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300")] {
            gauge.set(value)
            #expect(Self.lines(registry, "g ") == ["g \(text)"])
        }
    }

    @Test func `series are bounded, the rest is counted`() {
        let registry = MetricsRegistry(limits: MetricsLimits(seriesMax: 12))
        for index in 0..<20 { registry.makeCounter(label: "c", dimensions: [("i", "\(index)")]).increment(by: 1) }
        #expect(Self.lines(registry, "c_total{").count == 10)
        #expect(Self.lines(registry, "reelay_metrics_series ") == ["reelay_metrics_series 12"])
        #expect(Self.lines(registry, "reelay_metrics_refused_total ") == ["reelay_metrics_refused_total 10"])
        #expect(Self.text(registry).split(separator: "\n").filter { !$0.hasPrefix("#") }.count == 12)
    }

    @Test func `a name has one kind`() {
        let registry = MetricsRegistry()
        registry.makeMeter(label: "x_total", dimensions: []).set(1.0)
        registry.makeCounter(label: "x", dimensions: []).increment(by: 5)
        #expect(Self.lines(registry, "x_total") == ["x_total 1"])
        #expect(Self.lines(registry, "# TYPE x_total") == ["# TYPE x_total gauge"])
    }

    @Test func `a destroyed series leaves and gives its room back`() {
        let registry = MetricsRegistry(limits: MetricsLimits(seriesMax: 3))
        let first = registry.makeCounter(label: "a", dimensions: [])
        registry.destroyCounter(first)
        registry.makeCounter(label: "b", dimensions: []).increment(by: 1)
        #expect(!Self.text(registry).contains("a_total"))
        #expect(Self.lines(registry, "b_total") == ["b_total 1"])
    }

    @Test func `many threads lose nothing`() async {
        let registry = MetricsRegistry()
        await withDiscardingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 { registry.makeCounter(label: "n", dimensions: []).increment(by: 1) }
                }
            }
        }
        #expect(Self.lines(registry, "n_total") == ["n_total 8000"])
    }

    /// promtool, from Debian's prometheus package or as set in `REELAY_PROMTOOL`.
    private static let promtool: String? = {
        let places = [ProcessInfo.processInfo.environment["REELAY_PROMTOOL"], "/usr/bin/promtool"]
        return places.compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    @Test(.enabled(if: promtool != nil, "promtool is not installed (package prometheus)"))
    func `promtool has nothing to say`() throws {
        let registry = MetricsRegistry()
        registry.makeCounter(label: "rpc.requests", dimensions: [("method", "a\"\\\nb")]).increment(by: 1)
        registry.makeTimer(label: "rpc.duration", dimensions: [("method", "a")]).recordNanoseconds(5)
        registry.makeMeter(label: "pool_size", dimensions: []).set(1e-7)
        let promtool = Process()
        promtool.executableURL = URL(fileURLWithPath: try #require(Self.promtool))
        promtool.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        promtool.standardInput = input
        promtool.standardOutput = output
        promtool.standardError = output
        try promtool.run()
        input.fileHandleForWriting.write(Data(registry.exposition(extra: ProcessMetrics.exposition())))
        try input.fileHandleForWriting.close()
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        promtool.waitUntilExit()
        #expect(String(decoding: answer, as: UTF8.self) == "")
        #expect(promtool.terminationStatus == 0)
    }
}
