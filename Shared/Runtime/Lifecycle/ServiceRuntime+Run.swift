internal import CoreMetrics
internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import OTLP
internal import UnixSignals

extension ServiceRuntime {
    /// The whole `main` of a service: command line, settings, telemetry, signals, the service, its exit code.
    package static func run(_ definition: ServiceDefinition) async -> Never {
        switch ServiceArguments.request(Array(CommandLine.arguments.dropFirst()), for: definition) {
        case .show(let text):
            writeAll(text, to: STDOUT_FILENO)
            exit(ExitCode.success)
        case .refuse(let text):
            writeAll(text, to: STDERR_FILENO)
            exit(ExitCode.usage)
        case .command(let name, let argument):
            await run(definition.commands.first { $0.name == name }, argument, of: definition)
        case .serve:
            break
        }
        do throws(StartupError) {
            exit(try await serve(definition))
        } catch {
            writeAll(error.block(service: definition.name), to: STDERR_FILENO)
            exit(error.exitCode)
        }
    }

    private static func run(
        _ command: ServiceCommand?, _ argument: String, of definition: ServiceDefinition
    ) async -> Never {
        // Standard output is for the result: log lines, including the audit's, go to standard error.
        let sink = LogSink(descriptor: STDERR_FILENO) {}
        do throws(StartupError) {
            let values = try loader(definition).load(environment: processEnvironment())
            signal(SIGPIPE, SIG_IGN)
            LoggingSystem.bootstrap { (label) -> any LogHandler in
                JSONLogHandler(
                    label: label, service: definition.name, version: definition.version, level: .warning,
                    now: { WallTime.now() }, write: { line, _ in sink.write(line) })
            }
            writeAll(try await command?.run(values, argument) ?? "", to: STDOUT_FILENO)
            sink.finish(within: .seconds(1))
            exit(ExitCode.success)
        } catch {
            sink.finish(within: .seconds(1))
            writeAll(error.block(service: definition.name), to: STDERR_FILENO)
            exit(error.exitCode)
        }
    }

    private static func serve(_ definition: ServiceDefinition) async throws(StartupError) -> Int32 {
        let values = try loader(definition).load(environment: processEnvironment())
        signal(SIGPIPE, SIG_IGN)
        // As the first process of a container it inherits orphans: with SIGCHLD ignored the kernel reaps them.
        if getpid() == 1 { signal(SIGCHLD, SIG_IGN) }
        let signals = await stopSignals()
        // The process-wide group is the only group of the process: a library that uses it adds no threads.
        NIOSingletons.groupLoopCountSuggestion = min(
            values[definition.standardKeys.eventLoops], max(1, definition.eventLoopsMax(System.coreCount)))
        NIOSingletons.blockingPoolThreadCountSuggestion = 2
        let metrics = MetricsRegistry(help: definition.metricsHelp, buckets: definition.metricsBuckets)
        MetricsSystem.bootstrap(metrics)
        let linesDropped = metrics.makeCounter(label: "reelay_log_lines_dropped", dimensions: [])
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let sink = LogSink(
            descriptor: STDOUT_FILENO,
            later: { work in _ = loop.scheduleTask(in: TimeAmount(LogSink.gatheringInterval)) { work() } },
            onDrop: { linesDropped.increment(by: 1) })
        defer { sink.finish(within: .seconds(1)) }
        let level = Logger.Level(rawValue: values[definition.standardKeys.logLevel]) ?? .info
        let exporter = exporter(definition, values, metrics)
        LoggingSystem.bootstrap { (label) -> any LogHandler in
            let lines = JSONLogHandler(
                label: label, service: definition.name, version: definition.version, level: level,
                now: { WallTime.now() },
                // Never buffered: what somebody may look for at once, or after a crash, that is failures, the start and
                // end of the process, and the audit.
                write: { line, level in sink.write(line, atOnce: level >= .notice) })
            guard let exporter else { return lines }
            return MultiplexLogHandler([lines, OTLPLogHandler(level: level, exporter: exporter)])
        }
        let process = ServiceProcess(
            definition, values: values, metrics: metrics, group: MultiThreadedEventLoopGroup.singleton,
            exporter: exporter, makeLogger: { Logger(label: $0) },
            endNow: { code in
                sink.finish(within: .zero)
                _exit(code)
            })
        return try await process.run(signals: signals)
    }

    private static func loader(_ definition: ServiceDefinition) -> ConfigLoader {
        ConfigLoader(
            schema: definition.schema, knownNames: KnownKeys.names, knownSecrets: KnownKeys.secrets,
            readFile: { ConfigFile.read($0) }, listFolder: { ConfigFile.list($0) })
    }

    /// Returns the exporter, if a collector is configured.
    private static func exporter(
        _ definition: ServiceDefinition, _ values: ConfigValues, _ metrics: MetricsRegistry
    ) -> OTLPExporter? {
        values[definition.standardKeys.otlpEndpoint].map { endpoint in
            let startedAt = WallTime.nanoseconds()
            var name = [CChar](repeating: 0, count: 256)
            gethostname(&name, name.count - 1)
            let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return OTLPExporter(
                endpoint: endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint,
                resource: OTLPResource(
                    service: definition.name, version: definition.version,
                    instance: "\(host)-\(getpid())-\(startedAt)", startedAt: startedAt),
                interval: values[definition.standardKeys.otlpInterval], group: MultiThreadedEventLoopGroup.singleton,
                now: { WallTime.nanoseconds() }, metrics: { metrics.points() })
        }
    }

    /// Returns SIGTERM and SIGINT as a stream that lives as long as the process.
    private static func stopSignals() async -> AsyncStream<Int32> {
        let trapped = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self, bufferingPolicy: .bufferingOldest(16))
        Task {
            for await signal in trapped { continuation.yield(signal == .sigint ? SIGINT : SIGTERM) }
            continuation.finish()
        }
        return stream
    }

    private static func processEnvironment() -> [String: String] {
        var values: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                values[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry = entry.advanced(by: 1)
        }
        return values
    }

    private static func writeAll(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)
        while !rest.isEmpty {
            let count = write(descriptor, rest, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest.removeFirst(count)
        }
    }
}
