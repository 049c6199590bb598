internal import AsyncHTTPClient
package import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Bounds of what is sent to a collector.
package struct OTLPLimits: Sendable {
    /// Spans, and likewise log lines, that wait to be sent; beyond this, new ones are dropped and counted.
    package var waitingMax = 4_096
    /// Spans, or log lines, in one request.
    package var batchMax = 512
    /// Requests of each kind in one round; the rest waits for the next.
    package var batchesMax = 8
    /// How long one request may take, including its response.
    package var requestTimeout = Duration.seconds(5)
    /// The longest wait that a collector may impose.
    package var retryAfterMax = Duration.seconds(60)
    /// How long the last round may take, when the process ends.
    package var lastTurn = Duration.seconds(2)

    package init() {}
}

/// Sends spans, logs and metrics to an OpenTelemetry collector (OTLP over HTTP, JSON). Callers never wait for it: what
/// cannot be sent in time is dropped and counted.
package final class OTLPExporter: Sendable {
    private struct State {
        var spans: [OTLPSpan] = []
        var logs: [OTLPLog] = []
        var droppedCount = 0
        var sentCount = 0
        var failedCount = 0
        /// Nothing is sent before this time, except in the last round.
        var heldUntil: ContinuousClock.Instant?
    }

    private let endpoint: String
    private let resource: OTLPResource
    private let interval: Duration
    private let limits: OTLPLimits
    private let client: HTTPClient
    private let now: @Sendable () -> Int64
    private let metrics: @Sendable () -> [OTLPMetric]
    private let state = Mutex(State())

    /// `endpoint` is the collector's URL without `/v1/…`. `now` returns nanoseconds since 1970.
    ///
    /// This is the one client that no `OutboundGuard` protects. A collector runs beside the services, on this machine
    /// or in a private network, where nothing else may be called. Its address is set by the operator, an http or https
    /// URL without user, query and fragment, and never by a user of the installation. None of its responses is
    /// followed, shown or kept.
    package init(
        endpoint: String, resource: OTLPResource, interval: Duration, limits: OTLPLimits = OTLPLimits(),
        group: any EventLoopGroup, now: @escaping @Sendable () -> Int64, metrics: @escaping @Sendable () -> [OTLPMetric]
    ) {
        self.endpoint = endpoint
        self.resource = resource
        self.interval = interval
        self.limits = limits
        self.now = now
        self.metrics = metrics
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(2)
        client = HTTPClient(eventLoopGroup: group, configuration: configuration)
    }

    package func add(_ span: OTLPSpan) {
        state.withLock { state in
            if state.spans.count < limits.waitingMax { state.spans.append(span) } else { state.droppedCount += 1 }
        }
    }

    package func add(_ log: OTLPLog) {
        state.withLock { state in
            if state.logs.count < limits.waitingMax { state.logs.append(log) } else { state.droppedCount += 1 }
        }
    }

    /// The numbers of records dropped, records accepted by the collector, and requests that failed.
    package var counts: (dropped: Int, sent: Int, failed: Int) {
        state.withLock { ($0.droppedCount, $0.sentCount, $0.failedCount) }
    }

    /// Sends what has accumulated, periodically until the task is cancelled.
    package func run() async {
        while (try? await Task.sleep(for: interval)) != nil { await turn() }
    }

    /// Sends what is left, for as long as an ending process may take for it, and closes.
    package func shutDown() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.turn(isLast: true) }
            group.addTask { [limits] in try? await Task.sleep(for: limits.lastTurn) }
            await group.next()
            group.cancelAll()
        }
        try? await client.shutdown()
    }

    // MARK: Sending

    private func turn(isLast: Bool = false) async {
        let isHeld = state.withLock { state in state.heldUntil.map { $0 > .now } ?? false }
        guard !isHeld || isLast else { return }
        var isWelcome = true
        for _ in 0..<limits.batchesMax where isWelcome {
            let spans = state.withLock { Self.take(limits.batchMax, from: &$0.spans) }
            guard !spans.isEmpty else { break }
            isWelcome = await send("traces", OTLPText.traces(spans, of: resource), spans.count) {
                $0.spans = spans + $0.spans
            }
        }
        for _ in 0..<limits.batchesMax where isWelcome {
            let logs = state.withLock { Self.take(limits.batchMax, from: &$0.logs) }
            guard !logs.isEmpty else { break }
            isWelcome = await send("logs", OTLPText.logs(logs, of: resource), logs.count) { $0.logs = logs + $0.logs }
        }
        let families = metrics()
        if isWelcome, !families.isEmpty {
            _ = await send("metrics", OTLPText.metrics(families, at: now(), of: resource), 0) { _ in }
        }
    }

    private static func take<Record>(_ count: Int, from records: inout [Record]) -> [Record] {
        let taken = Array(records.prefix(count))
        records.removeFirst(taken.count)
        return taken
    }

    private enum Outcome {
        case taken
        /// Try again, but not before this time has passed.
        case later(Duration)
        case refused
    }

    /// Returns false if the collector wants nothing more for now. `putBack` returns records that may be sent again to
    /// the queue.
    private func send(
        _ signal: String, _ body: [UInt8], _ count: Int, putBack: @Sendable (inout State) -> Void
    ) async -> Bool {
        let outcome = await post("\(endpoint)/v1/\(signal)", body)
        return state.withLock { state in
            switch outcome {
            case .taken:
                state.sentCount += count
                return true
            case .refused:
                state.droppedCount += count
                state.failedCount += 1
                return true
            case .later(let wait):
                putBack(&state)
                // If there is no room for both, the newest records are dropped.
                let (spans, logs) = (state.spans.count - limits.waitingMax, state.logs.count - limits.waitingMax)
                if spans > 0 { state.spans.removeLast(spans) }
                if logs > 0 { state.logs.removeLast(logs) }
                state.droppedCount += max(0, spans) + max(0, logs)
                state.failedCount += 1
                state.heldUntil = .now + wait
                return false
            }
        }
    }

    private func post(_ url: String, _ body: [UInt8]) async -> Outcome {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(body)
        do {
            let response = try await client.execute(request, timeout: TimeAmount(limits.requestTimeout))
            // The content does not matter, but the connection is free again only after it was read.
            _ = try? await response.body.collect(upTo: 64 * 1_024)
            switch response.status.code {
            case 200..<300: return .taken
            case 429, 502, 503, 504:
                let seconds = response.headers.first(name: "retry-after").flatMap { Int($0) } ?? 0
                return .later(min(.seconds(max(0, min(seconds, 3_600))), limits.retryAfterMax))
            default: return .refused
            }
        } catch {
            return .later(.zero)
        }
    }
}
