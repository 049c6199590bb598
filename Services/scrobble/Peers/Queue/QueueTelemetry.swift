import Contracts
import Logging
import Metrics
import OTLP
import RPC
import Runtime
import Store
import Synchronization

/// Log lines, metrics and spans for the queue and for calls to providers.
final class QueueTelemetry: Sendable {
    /// The interval at which the queue is counted.
    private static let countEvery = Duration.seconds(10)

    private let logger: Logger
    private let exporter: OTLPExporter?
    private let counters = Mutex<[String: Counter]>([:])
    private let timers = Mutex<[String: Timer]>([:])
    private let waiting = Gauge(label: "queue_jobs_waiting")
    private let oldestDue = Gauge(label: "queue_oldest_due_seconds")
    private let turnedAway: [SyncProvider: Counter]
    private let lost = Counter(label: "queue_lanes_lost_total")
    private let troubled = Counter(label: "queue_troubled_total")

    init(logger: Logger, exporter: OTLPExporter?) {
        self.logger = logger
        self.exporter = exporter
        turnedAway = Dictionary(
            uniqueKeysWithValues: SyncProvider.allCases.map { provider in
                (provider, Counter(label: "upstream_turned_away_total", dimensions: [("provider", provider.rawValue)]))
            })
        // Each starts at zero: a counter that is first read at one shows no increase.
        for counter in turnedAway.values { counter.increment(by: 0) }
        for provider in SyncProvider.allCases {
            for word in JobFate.words { settled(provider, word, by: 0) }
        }
    }

    /// Records an event of the worker. Delivered jobs are logged at debug level; whatever needs attention is a warning.
    func tell(_ point: QueuePoint) {
        switch point {
        case .claiming, .claimed, .answered: break
        case .settled(let settlement):
            for job in settlement.jobs {
                settled(settlement.claim.key.provider, job.fate.word, by: 1)
                guard job.fate.word == "dead" else { continue }
                logger.warning(
                    "job given up",
                    metadata: [
                        "provider": "\(settlement.claim.key.provider.rawValue)", "reason": "\(job.fate.reason)",
                    ])
            }
        case .lost(let claim):
            lost.increment()
            logger.warning("lane lost", metadata: ["provider": "\(claim.key.provider.rawValue)"])
        case .troubled(let cause):
            troubled.increment()
            logger.warning("queue troubled", metadata: ["cause": "\(cause)"])
        }
    }

    /// Records an attempt to deliver a job.
    func tell(_ delivery: Delivery) {
        var metadata: Logger.Metadata = [
            "provider": "\(delivery.provider.rawValue)", "action": "\(delivery.action.rawValue)",
            "outcome": "\(delivery.failure ?? "delivered")",
        ]
        if let trace = delivery.trace {
            metadata["trace_id"] = "\(trace.traceID)"
            metadata["span_id"] = "\(trace.spanIDText)"
        }
        logger.debug("job tried", metadata: metadata)
        add(
            "deliver \(delivery.action.rawValue)", .consumer, delivery.trace, delivery.duration,
            [OTLPAttribute("reelay.provider", delivery.provider.rawValue)], delivery.failure)
    }

    /// Returns a sink that records calls to `provider`.
    func calls(to provider: SyncProvider) -> UpstreamSink {
        { [self] call in
            let outcome = call.status.map { "\($0 / 100)xx" } ?? "none"
            time(
                "upstream_call_duration_seconds", [("provider", provider.rawValue), ("outcome", outcome)], call.duration
            )
            if call.turnsAway(at: provider) { turnedAway[provider]?.increment() }
            let isFailure = call.status.map { $0 >= 500 } ?? true
            add(
                "\(call.method) \(call.path)", .client, call.trace, call.duration,
                [
                    OTLPAttribute("reelay.provider", provider.rawValue),
                    OTLPAttribute("http.request.method", call.method),
                    OTLPAttribute("http.response.status_code", call.status.map(String.init) ?? "none"),
                ], isFailure ? call.status.map { "status \($0)" } ?? "no answer" : nil)
        }
    }

    /// Counts the queue at intervals until the task is cancelled.
    func watch(_ store: QueueStore) async {
        while !Task.isCancelled {
            if let size = try? await store.size(until: .now + .seconds(5)) {
                waiting.record(size.waiting)
                oldestDue.record(size.oldestDue)
            }
            try? await Task.sleep(for: Self.countEvery)
        }
    }

    private func add(
        _ name: String, _ kind: OTLPSpan.Kind, _ trace: TraceContext?, _ duration: Duration,
        _ attributes: [OTLPAttribute], _ failure: String?
    ) {
        guard let exporter, let trace else { return }
        let end = WallTime.nanoseconds()
        exporter.add(
            OTLPSpan(
                name: name, kind: kind, traceID: trace.traceID, spanID: trace.spanIDText,
                parentSpanID: trace.parentSpanIDText, begin: end - duration.nanoseconds, end: end,
                attributes: attributes, failure: failure))
    }

    /// Label values come from closed sets.
    private func settled(_ provider: SyncProvider, _ fate: String, by amount: Int64) {
        let key = "\(provider.rawValue) \(fate)"
        counters.withLock { counters in
            if let counter = counters[key] { return counter }
            let counter = Counter(
                label: "queue_settled_total", dimensions: [("provider", provider.rawValue), ("fate", fate)])
            counters[key] = counter
            return counter
        }.increment(by: amount)
    }

    private func time(_ label: String, _ dimensions: [(String, String)], _ duration: Duration) {
        let key = label + dimensions.map { "\($0.0)=\($0.1)" }.joined()
        timers.withLock { timers in
            if let timer = timers[key] { return timer }
            let timer = Timer(label: label, dimensions: dimensions)
            timers[key] = timer
            return timer
        }.recordNanoseconds(duration.nanoseconds)
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
    }
}
