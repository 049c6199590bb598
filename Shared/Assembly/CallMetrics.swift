internal import HTTP2
internal import Metrics
internal import Postgres
internal import RPC
internal import Synchronization

/// The metrics of calls and statements. Series are looked up by method and outcome, both from closed sets.
final class CallMetrics: Sendable {
    let refused = Counter(label: "rpc_server_refused_total")
    let retried = Counter(label: "rpc_client_retries_total")
    let connectionsOpened = Counter(label: "http2_connections_opened_total")
    let connectionsRefused = Counter(label: "http2_connections_refused_total")
    let resetsReceived = Counter(label: "http2_resets_received_total")
    let resetsSent = Counter(label: "http2_resets_sent_total")
    let goAwaysReceived = Counter(label: "http2_goaways_received_total")
    let goAwaysSent = Counter(label: "http2_goaways_sent_total")
    let databaseFaults = Counter(label: "postgres_connection_faults_total")
    /// How far the machine's clock is ahead of the database's.
    let clockOffset = Gauge(label: "clock_offset_seconds")
    private let statementsWaited = Timer(
        label: "postgres_wait_duration_seconds", dimensions: [("for", "statement")])
    private let leasesWaited = Timer(
        label: "postgres_wait_duration_seconds", dimensions: [("for", "connection")])

    private struct Key: Hashable {
        let name: String
        let code: Int
    }

    private let served = Mutex<[Key: Timer]>([:])
    private let called = Mutex<[Key: Timer]>([:])
    private let statements = Mutex<[Key: Timer]>([:])
    /// Created at the start: a counter that first appears with the value one cannot be seen to rise.
    private let abuses = [H2Abuse: Counter](
        uniqueKeysWithValues: H2Abuse.allCases.map { abuse in
            (abuse, Counter(label: "http2_abuse_total", dimensions: [("kind", String(describing: abuse))]))
        })

    func served(_ record: RPCRecord) {
        Self.record(record, in: served, label: "rpc_server_duration_seconds")
    }

    func called(_ record: RPCRecord) {
        Self.record(record, in: called, label: "rpc_client_duration_seconds")
    }

    func statement(_ name: String, duration: Duration, wait: Duration, error: PGError?) {
        statementsWaited.recordNanoseconds(wait.nanoseconds)
        let key = Key(name: name, code: error == nil ? 0 : 1)
        let timer = statements.withLock { timers in
            timers.value(of: key) {
                Timer(
                    label: "postgres_statement_duration_seconds",
                    dimensions: [("statement", name), ("outcome", error == nil ? "ok" : "error")])
            }
        }
        timer.recordNanoseconds(duration.nanoseconds)
    }

    /// Records the wait for an exclusive connection.
    func leased(after wait: Duration) { leasesWaited.recordNanoseconds(wait.nanoseconds) }

    func abuse(_ abuse: H2Abuse) { abuses[abuse]?.increment() }

    private static func record(_ record: RPCRecord, in timers: borrowing Mutex<[Key: Timer]>, label: String) {
        let key = Key(name: record.method?.name ?? "unknown", code: record.code ?? 0)
        let timer = timers.withLock { timers in
            timers.value(of: key) {
                Timer(label: label, dimensions: [("method", key.name), ("code", String(key.code))])
            }
        }
        timer.recordNanoseconds(record.duration.nanoseconds)
    }
}

extension Dictionary {
    /// Returns the value of `key`, creating it on first use.
    fileprivate mutating func value(of key: Key, make: () -> Value) -> Value {
        if let value = self[key] { return value }
        let value = make()
        self[key] = value
        return value
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
    }
}
