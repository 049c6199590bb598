package import HTTP2
package import Logging
internal import Metrics
package import OTLP
package import Postgres
package import RPC
internal import Runtime

/// The single sink for what RPC, HTTP/2 and Postgres observe: log lines and metrics are made only here.
package struct Telemetry: Sendable {
    private let logger: Logger
    private let registry: CallMetrics
    private let exporter: OTLPExporter?

    package init(logger: Logger, exporter: OTLPExporter? = nil) {
        self.logger = logger
        self.exporter = exporter
        registry = CallMetrics()
    }

    package var rpc: RPCSink {
        { [logger, registry, exporter] observation in
            switch observation {
            case .served(let record):
                registry.served(record)
                exporter?.add(Self.span(record))
                // Our own failures are worth a line; everything else is in the metrics and, at debug, in the log.
                let level: Logger.Level = record.code.map(Self.isFault) == true ? .warning : .debug
                logger.log(level: level, "served", metadata: Self.metadata(record))
            case .called(let record):
                registry.called(record)
                logger.debug("called", metadata: Self.metadata(record))
            case .refused(let status, let address):
                registry.refused.increment()
                logger.info("refused", metadata: ["status": "\(status)", "peer": "\(address)"])
            case .retried(let method, let isTransparent, let trace):
                registry.retried.increment()
                logger.info(
                    "retried",
                    metadata: [
                        "method": "\(method.name)", "transparent": "\(isTransparent)", "trace_id": "\(trace.traceID)",
                    ])
            case .malformedResponse(let method, let fault):
                logger.error("malformed response", metadata: ["method": "\(method.name)", "fault": "\(fault)"])
            case .connection(let target, let address, let change):
                logger.info(
                    "peer connection",
                    metadata: ["target": "\(target)", "address": "\(address)", "change": "\(change)"])
            case .resolutionFailed(let target, let reason):
                logger.warning("name not resolved", metadata: ["target": "\(target)", "cause": "\(reason)"])
            }
        }
    }

    package var http2: H2Sink {
        { [logger, registry] observation in
            switch observation {
            case .connectionOpened: registry.connectionsOpened.increment()
            case .connectionClosed(let address, let error):
                guard let error else { return }
                logger.debug("connection ended", metadata: ["peer": "\(address)", "cause": "\(error)"])
            case .connectionRefused(let address, let refusal):
                registry.connectionsRefused.increment()
                logger.warning("connection refused", metadata: ["peer": "\(address)", "cause": "\(refusal)"])
            case .abuse(let abuse):
                registry.abuse(abuse)
                logger.warning("connection closed for abuse", metadata: ["cause": "\(abuse)"])
            case .resetReceived: registry.resetsReceived.increment()
            case .resetSent: registry.resetsSent.increment()
            case .goAwayReceived: registry.goAwaysReceived.increment()
            case .goAwaySent: registry.goAwaysSent.increment()
            case .requestReceived: break
            case .requestRejected(_, let status): logger.info("request rejected", metadata: ["status": "\(status)"])
            case .streamRefused(_, let refusal): logger.info("stream refused", metadata: ["cause": "\(refusal)"])
            }
        }
    }

    package var postgres: @Sendable (PGObservation) -> Void {
        { [logger, registry] observation in
            switch observation {
            case .statement(let name, let duration, let wait, let rows, let error):
                registry.statement(name, duration: duration, wait: wait, error: error)
                guard let error, error.kind != .cancelled else { return }
                logger.warning(
                    "statement failed",
                    metadata: [
                        "statement": "\(name)", "cause": "\(error)", "duration_ms": "\(duration.milliseconds)",
                        "wait_ms": "\(wait.milliseconds)", "rows": "\(rows)",
                    ])
            case .leased(let wait, _): registry.leased(after: wait)
            case .batch: break
            case .connected(let time):
                logger.debug("database connected", metadata: ["duration_ms": "\(time.milliseconds)"])
            case .connectFailed(let error):
                registry.databaseFaults.increment()
                logger.warning("database cannot be reached", metadata: ["cause": "\(error)"])
            case .connectionLost(let error):
                registry.databaseFaults.increment()
                logger.warning("database connection lost", metadata: ["cause": "\(error)"])
            case .cancelSent: logger.debug("statement cancelled")
            case .rerun(let name): logger.debug("statement rerun", metadata: ["statement": "\(name)"])
            case .transactionRetried(let attempt, let error):
                logger.info("transaction retried", metadata: ["attempt": "\(attempt)", "cause": "\(error)"])
            case .notice(let notice):
                logger.debug(
                    "database notice", metadata: ["severity": "\(notice.severity)", "text": "\(notice.message)"])
            case .listenerReconnects(let error):
                logger.warning("listener reconnects", metadata: ["cause": "\(error)"])
            }
        }
    }

    /// Records how far the machine's clock is ahead of the database's, at each check.
    package var clock: @Sendable (Duration) -> Void {
        { [registry] offset in
            let seconds: Double = offset / .seconds(1)
            registry.clockOffset.record(seconds)
        }
    }

    /// The span of a call.
    private static func span(_ record: RPCRecord) -> OTLPSpan {
        let end = WallTime.nanoseconds()
        let name = record.method?.name ?? "unknown"
        var attributes = [OTLPAttribute("rpc.system.name", "jsonrpc"), OTLPAttribute("rpc.method", name)]
        if let code = record.code { attributes.append(OTLPAttribute("rpc.response.status_code", "\(code)")) }
        if record.attempt > 0 { attributes.append(OTLPAttribute("rpc.attempt", "\(record.attempt)")) }
        return OTLPSpan(
            name: name, kind: .server, traceID: record.trace.traceID, spanID: record.trace.spanIDText,
            parentSpanID: record.trace.parentSpanIDText, begin: end - record.duration.wholeNanoseconds, end: end,
            attributes: attributes, failure: record.code.map { "code \($0)" })
    }

    /// Whether an outcome is a fault here rather than an answer to the caller.
    private static func isFault(_ code: Int) -> Bool {
        code == RPCError.Code.internal || code == RPCError.Code.unavailable || code == RPCError.Code.outcomeUnknown
            || code == RPCError.Code.overloaded
    }

    private static func metadata(_ record: RPCRecord) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "method": "\(record.method?.name ?? "unknown")", "duration_ms": "\(record.duration.milliseconds)",
            "trace_id": "\(record.trace.traceID)", "span_id": "\(record.trace.spanIDText)",
        ]
        if let code = record.code { metadata["code"] = "\(code)" }
        if let cause = record.cause { metadata["cause"] = "\(cause)" }
        if record.attempt > 0 { metadata["attempt"] = "\(record.attempt)" }
        return metadata
    }
}

extension Duration {
    fileprivate var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
    }

    /// Rounded to three decimals.
    fileprivate var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1_000 + (Double(attoseconds) / 1e12).rounded() / 1_000
    }
}
