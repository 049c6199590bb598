package import Logging
package import NIOCore
package import OTLP
internal import ServiceLifecycle
internal import Synchronization

/// Runs one service from its checked settings to its exit code.
///
/// Start: certificates → admin port (starting) → build → run → every listener is bound → ready. Stop, on the first signal: draining
/// (readyz 503) → wait → the components, phase by phase → admin port. A second signal, or the limit, ends it at once.
package struct ServiceProcess: Sendable {
    private let definition: ServiceDefinition
    private let values: ConfigValues
    private let makeLogger: @Sendable (String) -> Logger
    private let metrics: MetricsRegistry
    private let group: any EventLoopGroup
    private let exporter: OTLPExporter?
    private let endNow: @Sendable (Int32) -> Void
    private let onAdminPort: @Sendable (Int) -> Void
    private let readiness = Readiness()
    private let stopSwitch = StopSwitch()
    private let stopLimit = StopLimit()

    /// `endNow` ends the process with an exit code without waiting for anything; `onAdminPort` receives the bound port.
    /// The group outlives the process's end: components that close late may still schedule on it.
    package init(
        _ definition: ServiceDefinition, values: ConfigValues, metrics: MetricsRegistry, group: any EventLoopGroup,
        exporter: OTLPExporter? = nil, makeLogger: @escaping @Sendable (String) -> Logger,
        endNow: @escaping @Sendable (Int32) -> Void,
        onAdminPort: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.definition = definition
        self.values = values
        self.metrics = metrics
        self.group = group
        self.exporter = exporter
        self.makeLogger = makeLogger
        self.endNow = endNow
        self.onAdminPort = onAdminPort
    }

    /// Runs the service until it is stopped; returns its exit code, or throws why it could not start. `signals` yields
    /// the numbers of signals that ask it to stop.
    package func run(signals: AsyncStream<Int32>) async throws(StartupError) -> Int32 {
        let logger = makeLogger(definition.name)
        let certificates = try peerCertificates(logger)
        let runtime = ServiceRuntime(
            name: definition.name, version: definition.version, host: values[definition.standardKeys.host],
            port: values[definition.standardKeys.port], logger: logger, group: group, readiness: readiness,
            metrics: metrics, exporter: exporter, certificates: certificates)
        let outcome = await withTaskGroup(of: Result<Int32, StartupError>?.self) { tasks in
            tasks.addTask { await serve(runtime) }
            tasks.addTask {
                await listen(signals, logger)
                return nil
            }
            if let certificates {
                // As long as the admin port, which listens before and after all parts of the service.
                tasks.addTask {
                    await certificates.run()
                    return nil
                }
            }
            var outcome: Result<Int32, StartupError>?
            while outcome == nil, let ended = await tasks.next() { outcome = ended }
            tasks.cancelAll()
            return outcome
        }
        stopLimit.cancel()
        return try outcome?.get() ?? ExitCode.failure
    }

    /// Returns the certificates for other services; nil if the service has no such setting, or it is absent.
    private func peerCertificates(_ logger: Logger) throws(StartupError) -> PeerCertificates? {
        guard definition.schema.names.contains(SharedKeys.peerTLSFolder.name),
            let folder = values[SharedKeys.peerTLSFolder]
        else { return nil }
        return try PeerCertificates(folder: folder, logger: logger)
    }

    private func serve(_ runtime: ServiceRuntime) async -> Result<Int32, StartupError> {
        let adminPort = values[definition.standardKeys.adminPort] ?? (runtime.port == 0 ? 0 : runtime.port + 1000)
        let admin = AdminServer(runtime, host: runtime.host, port: adminPort)
        let adminGroup = ServiceGroup(services: [admin], logger: runtime.logger)
        let adminRun = Task<String?, Never> {
            do {
                try await adminGroup.run()
                return nil
            } catch {
                return String(describing: error)
            }
        }
        guard let boundPort = await admin.boundPort() else {
            let reason = await adminRun.value ?? "the server ended"
            return .failure(.resource("admin port \(runtime.host):\(adminPort)", "cannot listen: \(reason)"))
        }
        onAdminPort(boundPort)
        let outcome = await buildAndRun(runtime)
        await adminGroup.triggerGracefulShutdown()
        await firstAnswer(within: ServiceLimits.adminStopLimit, otherwise: ()) { _ = await adminRun.value }
        adminRun.cancel()
        return outcome
    }

    private func buildAndRun(_ runtime: ServiceRuntime) async -> Result<Int32, StartupError> {
        let building = Task<Result<[ServiceComponent], StartupError>, Never> {
            do throws(StartupError) {
                return .success(try await definition.build(values, runtime))
            } catch {
                return .failure(error)
            }
        }
        await stopSwitch.whenStopped { building.cancel() }
        let components: [ServiceComponent]
        switch await building.value {
        case .success(let built):
            // First, so that it ends last and still sends what the others reported as they ended.
            components = exporterComponent + built
        case .failure where stopSwitch.isStopped:
            runtime.logger.notice("Stopped while starting")
            return .success(ExitCode.success)
        case .failure(let error):
            return .failure(error)
        }
        return .success(await run(components, runtime))
    }

    private var exporterComponent: [ServiceComponent] {
        guard let exporter else { return [] }
        return [
            .running("telemetry", phase: .resources, { await exporter.run() }, stop: { await exporter.shutDown() })
        ]
    }

    private func run(_ components: [ServiceComponent], _ runtime: ServiceRuntime) async -> Int32 {
        let services = order(components, runtime).map { component in
            ServiceGroupConfiguration.ServiceConfiguration(
                service: ComponentService(component: component, onFailure: { limitStop(runtime.logger) }),
                successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: component.name)
        }
        let group = ServiceGroup(configuration: .init(services: services, logger: runtime.logger))
        await stopSwitch.whenStopped { await group.triggerGracefulShutdown() }
        // Abandoned if the group ends first.
        async let _ = becomeReady(components, runtime)
        do {
            try await group.run()
            runtime.logger.notice("Stopped")
            return ExitCode.success
        } catch {
            readiness.advance(to: .draining)
            runtime.logger.critical("Stopped by a failure", metadata: ["reason": "\(error)"])
            return ExitCode.failure
        }
    }

    /// Becomes ready once every part that reports its beginning has begun.
    private func becomeReady(_ components: [ServiceComponent], _ runtime: ServiceRuntime) async {
        for component in components {
            guard let beginning = component.beginning else { continue }
            for await _ in beginning {}
        }
        guard !Task.isCancelled else { return }
        CodePages.letGo()
        readiness.advance(to: .ready)
        runtime.logger.notice(
            "Started", metadata: ["host": "\(runtime.host)", "port": .stringConvertible(runtime.port)])
    }

    /// A group stops its last service first, so what stops first comes last; the announcement precedes all stops.
    private func order(_ components: [ServiceComponent], _ runtime: ServiceRuntime) -> [ServiceComponent] {
        let delay = values[definition.standardKeys.drainDelay]
        let announcement = ServiceComponent.stopping(
            "announcement", phase: .claiming, stopLimit: delay + .seconds(1)
        ) {
            readiness.advance(to: .draining)
            runtime.logger.notice("Draining")
            try? await Task.sleep(for: delay)
        }
        let ordered = ShutdownPhase.allCases.reversed().flatMap { phase in components.filter { $0.phase == phase } }
        return ordered + [announcement]
    }

    private func listen(_ signals: AsyncStream<Int32>, _ logger: Logger) async {
        var isStopping = false
        for await number in signals {
            guard !isStopping else {
                endNow(ExitCode.signal(number))
                continue
            }
            isStopping = true
            logger.notice("Asked to stop", metadata: ["signal": .stringConvertible(number)])
            limitStop(logger)
            await stopSwitch.stop()
        }
    }

    /// Starts the time limit for stopping the process.
    private func limitStop(_ logger: Logger) {
        let limit = values[definition.standardKeys.shutdownLimit]
        stopLimit.start(limit) {
            logger.critical("The stop took too long", metadata: ["limit": "\(limit)"])
            endNow(ExitCode.failure)
        }
    }
}

/// Bounds of a process's end.
enum ServiceLimits {
    /// How long open responses of the admin port may delay the end.
    static let adminStopLimit: Duration = .seconds(2)
}

/// Runs an action if a stop takes too long; starts only once.
private final class StopLimit: Sendable {
    private let timer = Mutex<Task<Void, Never>?>(nil)

    func start(_ limit: Duration, _ action: @escaping @Sendable () -> Void) {
        timer.withLock { timer in
            guard timer == nil else { return }
            timer = Task {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                action()
            }
        }
    }

    func cancel() { timer.withLock { $0?.cancel() } }
}

/// Remembers that the process was asked to stop, and notifies all observers, including late ones.
private final class StopSwitch: Sendable {
    private struct State {
        var isStopped = false
        var actions: [@Sendable () async -> Void] = []
    }

    private let state = Mutex(State())

    var isStopped: Bool { state.withLock { $0.isStopped } }

    func whenStopped(_ action: @escaping @Sendable () async -> Void) async {
        let isStopped = state.withLock { state in
            if !state.isStopped { state.actions.append(action) }
            return state.isStopped
        }
        if isStopped { await action() }
    }

    func stop() async {
        let actions = state.withLock { state in
            state.isStopped = true
            defer { state.actions = [] }
            return state.actions
        }
        for action in actions { await action() }
    }
}
