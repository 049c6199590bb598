internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import ServiceLifecycle
internal import Synchronization

/// Bounds of the admin port.
package enum AdminLimits {
    /// Probes and scrapers connected at once.
    package static let connectionsMax = 64
    /// How long a connection may be idle.
    package static let idleTimeout: Duration = .seconds(30)
    /// Log lines about refused connections are at least this far apart.
    package static let refusalLineInterval: Duration = .seconds(1)
}

/// `/healthz`, `/readyz` and `/metrics` over HTTP/1.1, for probes and scrapers inside the deployment: in plain form,
/// or, where services have certificates, over TLS to all but the machine itself.
struct AdminServer: Service {
    private let runtime: ServiceRuntime
    private let address: (host: String, port: Int)
    private let bound = BoundPort()

    /// Port 0 picks any free one.
    init(_ runtime: ServiceRuntime, host: String, port: Int) {
        self.runtime = runtime
        address = (host, port)
    }

    /// Serves until graceful shutdown; throws the errors of binding.
    func run() async throws {
        let router = Router(options: .autoGenerateHeadEndpoints)
        router.get("healthz") { [health = EventLoopHealth(runtime.group)] _, _ in
            await health.isTicking()
                ? Self.answer(.ok, "text/plain; charset=utf-8", Array("ok\n".utf8))
                : Self.answer(.serviceUnavailable, "text/plain; charset=utf-8", Array("an event loop is stuck\n".utf8))
        }
        router.get("readyz") { [runtime] _, _ in
            let report = await runtime.readiness.report()
            return Self.answer(
                report.isReady ? .ok : .serviceUnavailable, "application/json",
                report.json(service: runtime.name, version: runtime.version))
        }
        router.get("metrics") { [metrics = runtime.metrics] _, _ in
            Self.answer(
                .ok, "text/plain; version=0.0.4; charset=utf-8",
                metrics.exposition(extra: ProcessMetrics.exposition()))
        }
        let configuration = ApplicationConfiguration(
            address: .hostname(address.host, port: address.port), backlog: AdminLimits.connectionsMax,
            availableConnectionsDelegate: MaximumAvailableConnections(
                AdminLimits.connectionsMax, logger: runtime.logger))
        let server = HTTPServerBuilder {
            [certificates = runtime.certificates, refusals = AdminRefusals(logger: runtime.logger)] responder in
            let requests = HTTP1Channel.Configuration(idleTimeout: TimeAmount(AdminLimits.idleTimeout))
            return AdminChannel(
                http: HTTP1Channel(responder: responder, configuration: requests), certificates: certificates,
                refusals: refusals)
        }
        let application = Application(
            router: router,
            server: server,
            configuration: configuration,
            onServerRunning: { [bound] channel in bound.settle(channel.localAddress?.port) },
            eventLoopGroupProvider: .shared(runtime.group), logger: Self.quiet(runtime.logger))
        defer { bound.settle(nil) }
        try await application.run()
    }

    /// Returns the bound port once the server listens; nil if it ended before that.
    func boundPort() async -> Int? { await bound.wait() }

    private static func answer(_ status: HTTPResponse.Status, _ type: String, _ body: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// Probes come every second: their requests are not worth logging.
    private static func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }

    /// Passes the port from the server's callback to those waiting for it; the first report counts.
    private final class BoundPort: Sendable {
        private struct State {
            var port: Int?
            var isSettled = false
            var waiting: [CheckedContinuation<Int?, Never>] = []
        }

        private let state = Mutex(State())

        func settle(_ port: Int?) {
            let waiting = state.withLock { state in
                guard !state.isSettled else { return [CheckedContinuation<Int?, Never>]() }
                state.isSettled = true
                state.port = port
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume(returning: port) }
        }

        func wait() async -> Int? {
            await withCheckedContinuation { continuation in
                let settled: Int?? = state.withLock { state in
                    if state.isSettled { return .some(state.port) }
                    state.waiting.append(continuation)
                    return nil
                }
                if let settled { continuation.resume(returning: settled) }
            }
        }
    }
}
