internal import CLibpq
internal import Synchronization

/// A notice or warning that Postgres sent alongside a statement's result.
package struct PGNotice: Sendable, Hashable {
    /// "NOTICE", "WARNING", "FATAL" and so on.
    package let severity: String
    package let sqlState: String
    package let message: String
}

/// An event in the pool, for logs and metrics.
package enum PGObservation: Sendable {
    /// One statement ended; `wait` is the time before it was sent, `duration` the total time.
    case statement(name: String, duration: Duration, wait: Duration, rowCount: Int, error: PGError?)
    /// A connection was leased `after` this long, or the request failed.
    case leased(after: Duration, error: PGError?)
    /// Statements were sent together on one connection.
    case batch(statementCount: Int)
    case connected(after: Duration)
    case connectFailed(PGError)
    case connectionLost(PGError)
    case cancelSent
    /// A statement is rerun because of a neighbour's error or a lost connection.
    case rerun(name: String)
    case transactionRetried(attempt: Int, PGError)
    case notice(PGNotice)
    case listenerReconnects(PGError)
}

/// The state of a pool at one moment; totals only grow.
package struct PGPoolSnapshot: Sendable, Hashable {
    package var connectingCount = 0
    package var idleCount = 0
    package var sharedCount = 0
    package var leasedCount = 0
    package var waitingCount = 0
    package var inFlightCount = 0
    package var isCircuitOpen = false
    package var statementsTotal = 0
    package var errorsTotal = 0
    package var batchesTotal = 0
    package var rerunsTotal = 0
    package var connectsTotal = 0
    package var connectionsLostTotal = 0
    package var cancelsTotal = 0
}

/// Collects the notices that libpq reports while it parses. The connection retains it, because libpq holds its address.
final class PGNoticeSink: Sendable {
    private let notices = Mutex<[PGNotice]>([])

    func take() -> [PGNotice] {
        notices.withLock { notices in
            guard !notices.isEmpty else { return [] }
            defer { notices = [] }
            return notices
        }
    }

    /// Called inside libpq: only records and returns.
    static let receive: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?) -> Void = { context, result in
        guard let context = unsafe context, let result = unsafe result else { return }
        let sink = unsafe Unmanaged<PGNoticeSink>.fromOpaque(context).takeUnretainedValue()
        func field(_ code: Int32) -> String {
            guard let text = unsafe PQresultErrorField(result, code) else { return "" }
            return unsafe String(cString: text)
        }
        let notice = PGNotice(
            severity: field(Int32(reelay_diag_severity)), sqlState: field(Int32(reelay_diag_sqlstate)),
            message: field(Int32(reelay_diag_message)))
        sink.notices.withLock { if $0.count < 64 { $0.append(notice) } }
    }
}
