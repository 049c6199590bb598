package import Contracts
package import Logging
internal import Metrics
package import OTLP
internal import RPC
internal import Synchronization

/// Log lines and metrics of the public side.
package struct EdgeTelemetry: Sendable {
    private let logger: Logger
    private let timers = Timers()
    private let refusals = Refusals()
    private let pace = Pace()
    private let waits = Counters<EdgeWait>(label: "edge_requests_waited_total", by: "protocol")
    private let exporter: OTLPExporter?
    private let now: @Sendable () -> Int64
    private let digest: @Sendable (UserID) -> String

    /// `now` returns nanoseconds since 1970, and is called only if there is an exporter. `digest` returns what
    /// represents a person in the log.
    package init(
        logger: Logger, exporter: OTLPExporter? = nil, now: @escaping @Sendable () -> Int64 = { 0 },
        digest: @escaping @Sendable (UserID) -> String
    ) {
        self.logger = logger
        self.exporter = exporter
        self.now = now
        self.digest = digest
    }

    package var observe: @Sendable (EdgeRecord) -> Void {
        { [logger, timers, exporter, now, digest] record in
            let operation = record.operation ?? "none"
            let (seconds, attoseconds) = record.duration.components
            let nanoseconds = seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
            timers.record(operation, record.status, nanoseconds)
            var metadata: Logger.Metadata = [
                "operation": .string(operation), "status": .string(String(record.status)),
                "duration_ms": .string(String(Double(nanoseconds / 1_000) / 1_000)),
                "trace_id": .string(record.trace.traceID),
            ]
            if let name = record.requestID { metadata["request_id"] = .string(name) }
            if let cause = record.cause { metadata["cause"] = "\(cause)" }
            let level: Logger.Level = record.status >= 500 ? .warning : .info
            if let person = record.person, logger.logLevel <= level { metadata["person"] = .string(digest(person)) }
            logger.log(level: level, "request", metadata: metadata)
            guard let exporter else { return }
            let end = now()
            exporter.add(
                OTLPSpan(
                    name: operation, kind: .server, traceID: record.trace.traceID, spanID: record.trace.spanIDText,
                    parentSpanID: record.trace.parentSpanIDText, begin: end - nanoseconds, end: end,
                    attributes: [OTLPAttribute("http.response.status_code", "\(record.status)")],
                    failure: record.status >= 500 ? "status \(record.status)" : nil))
        }
    }

    /// Refused requests have a log line like all requests; excess connections are only counted, so that a crowd does
    /// not fill the log.
    package var turnedAway: EdgeRefusalSink {
        { [logger, refusals, pace] refusal in
            refusals.count(refusal)
            if case .abuse(let kind) = refusal, pace.allows(kind) {
                logger.info("misuse of HTTP/2", metadata: ["kind": .string(kind.rawValue)])
            }
        }
    }

    package var waited: EdgeWaitSink { { [waits] wait in waits.count(wait) } }

    /// Both labels come from closed sets: the operations of the contract and the status codes.
    private final class Timers: Sendable {
        private struct Key: Hashable {
            let operation: String
            let status: Int
        }

        private let timers = Mutex<[Key: Timer]>([:])

        func record(_ operation: String, _ status: Int, _ nanoseconds: Int64) {
            let key = Key(operation: operation, status: status)
            let timer = timers.withLock { timers in
                if let timer = timers[key] { return timer }
                let timer = Timer(
                    label: "http_server_duration_seconds",
                    dimensions: [("operation", operation), ("status", String(status))])
                timers[key] = timer
                return timer
            }
            timer.recordNanoseconds(nanoseconds)
        }
    }

    /// One line a second for each kind; the metric counts every case.
    private final class Pace: Sendable {
        private static let interval = Duration.seconds(1)
        private let toldAt = Mutex<[EdgeRefusal.Abuse: ContinuousClock.Instant]>([:])

        func allows(_ kind: EdgeRefusal.Abuse) -> Bool {
            let now = ContinuousClock.now
            return toldAt.withLock { toldAt in
                if let last = toldAt[kind], now - last < Self.interval { return false }
                toldAt[kind] = now
                return true
            }
        }
    }

    private struct Refusals: Sendable {
        let connections = Counters<EdgeRefusal.Connection>(label: "edge_connections_refused_total", by: "reason")
        let requests = Counters<EdgeRefusal.Request>(label: "edge_requests_refused_total", by: "reason")
        let abuses = Counters<EdgeRefusal.Abuse>(label: "edge_http2_abuse_total", by: "kind")

        func count(_ refusal: EdgeRefusal) {
            switch refusal {
            case .connection(let reason): connections.count(reason)
            case .request(let reason): requests.count(reason)
            case .abuse(let kind): abuses.count(kind)
            }
        }
    }

    /// A counter for each case of a closed set, created at the start: a counter that is first read at 1 cannot be seen
    /// to rise.
    private struct Counters<Value: CaseIterable & RawRepresentable & Hashable & Sendable>: Sendable
    where Value.RawValue == String {
        private let counters: [Value: Counter]

        init(label: String, by name: String) {
            counters = Dictionary(
                uniqueKeysWithValues: Value.allCases.map { value in
                    (value, Counter(label: label, dimensions: [(name, value.rawValue)]))
                })
        }

        func count(_ value: Value) { counters[value]?.increment() }
    }
}
