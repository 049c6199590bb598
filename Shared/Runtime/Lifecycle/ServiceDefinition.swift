package import Logging
package import NIOCore
package import OTLP

/// What makes one executable a service.
package struct ServiceDefinition: Sendable {
    /// In lower case: the name of the executable, of the log's `service` and of the schema.
    package let name: String
    package let version: String
    package let standardKeys: StandardKeys
    /// The standard settings and the service's own.
    package let schema: ConfigSchema
    /// Help for metrics, by the name as it is written out.
    package let metricsHelp: [String: String]
    /// Upper bounds of histogram buckets, by the name as it is written out.
    package let metricsBuckets: [String: [Double]]
    /// What the executable can do instead of serving.
    package let commands: [ServiceCommand]
    let build: @Sendable (ConfigValues, ServiceRuntime) async throws(StartupError) -> [ServiceComponent]

    /// `build` connects, migrates, binds and returns the parts to run; it may wait and retry as long as it likes (the
    /// admin port answers meanwhile), and is cancelled when the process is told to stop.
    package init(
        name: String, version: String = ReelayVersion.current, portDefault: Int, keys: [ConfigDefinition],
        metricsHelp: [String: String] = [:], metricsBuckets: [String: [Double]] = [:], commands: [ServiceCommand] = [],
        build: @escaping @Sendable (ConfigValues, ServiceRuntime) async throws(StartupError) -> [ServiceComponent]
    ) {
        self.name = name
        self.version = version
        standardKeys = StandardKeys(portDefault: portDefault)
        schema = ConfigSchema(standardKeys.definitions + keys)
        self.metricsHelp = metricsHelp
        self.metricsBuckets = metricsBuckets
        self.commands = commands
        self.build = build
    }
}

/// Something that an administrator has an executable do at the machine itself, with the settings of the service.
package struct ServiceCommand: Sendable {
    /// The first argument, such as `reset-password`.
    package let name: String
    /// What the one argument after it is, in capitals; nil where there is none.
    package let argument: String?
    package let purpose: String

    /// The name with its argument, as it is typed.
    var usage: String { argument.map { "\(name) \($0)" } ?? name }

    /// Returns what is printed; the text is empty for a command without an argument.
    let run: @Sendable (ConfigValues, String) async throws(StartupError) -> String

    package init(
        _ name: String, argument: String? = nil, _ purpose: String,
        run: @escaping @Sendable (ConfigValues, String) async throws(StartupError) -> String
    ) {
        self.name = name
        self.argument = argument
        self.purpose = purpose
        self.run = run
    }
}

/// The version of this product.
package enum ReelayVersion {
    package static let current = "0.1.0"
}

/// What a service is given to build its parts from.
package struct ServiceRuntime: Sendable {
    package let name: String
    package let version: String
    /// Where the service is to listen.
    package let host: String
    package let port: Int
    package let logger: Logger
    /// The one group of event loops of the process.
    package let group: any EventLoopGroup
    package let readiness: Readiness
    package let metrics: MetricsRegistry
    /// Where spans go; nil where no collector is set.
    package let exporter: OTLPExporter?

    package init(
        name: String, version: String, host: String, port: Int, logger: Logger, group: any EventLoopGroup,
        readiness: Readiness, metrics: MetricsRegistry, exporter: OTLPExporter? = nil
    ) {
        self.name = name
        self.version = version
        self.host = host
        self.port = port
        self.logger = logger
        self.group = group
        self.readiness = readiness
        self.metrics = metrics
        self.exporter = exporter
    }
}
