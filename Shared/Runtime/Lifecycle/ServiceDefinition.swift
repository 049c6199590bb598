package import Logging
package import NIOCore
package import OTLP

/// The definition that makes an executable a service.
package struct ServiceDefinition: Sendable {
    /// In lowercase: the name of the executable, of the log's `service` and of the schema.
    package let name: String
    package let version: String
    package let standardKeys: StandardKeys
    /// The standard settings and those of the service.
    package let schema: ConfigSchema
    /// Help texts of metrics, by exposition name.
    package let metricsHelp: [String: String]
    /// Upper bounds of histogram buckets, by exposition name.
    package let metricsBuckets: [String: [Double]]
    /// The most event loops for a number of processors.
    let eventLoopsMax: @Sendable (_ processors: Int) -> Int
    /// What the executable can do instead of serving.
    package let commands: [ServiceCommand]
    let build: @Sendable (ConfigValues, ServiceRuntime) async throws(StartupError) -> [ServiceComponent]

    /// `build` connects, migrates, binds and returns the parts to run. It may wait and retry as long as it likes (the
    /// admin port responds meanwhile), and is cancelled when the process is told to stop.
    package init(
        name: String, version: String = ReelayVersion.current, portDefault: Int, keys: [ConfigDefinition],
        metricsHelp: [String: String] = [:], metricsBuckets: [String: [Double]] = [:],
        eventLoopsMax: @escaping @Sendable (_ processors: Int) -> Int = { $0 / 2 }, commands: [ServiceCommand] = [],
        build: @escaping @Sendable (ConfigValues, ServiceRuntime) async throws(StartupError) -> [ServiceComponent]
    ) {
        self.name = name
        self.version = version
        standardKeys = StandardKeys(portDefault: portDefault)
        schema = ConfigSchema(standardKeys.definitions + keys)
        self.metricsHelp = metricsHelp
        self.metricsBuckets = metricsBuckets
        self.eventLoopsMax = eventLoopsMax
        self.commands = commands
        self.build = build
    }
}

/// A command that an administrator runs at the machine with the settings of the service.
package struct ServiceCommand: Sendable {
    /// The first argument, such as `reset-password`.
    package let name: String
    /// The name of its only argument, in capitals; nil if it takes none.
    package let argument: String?
    package let purpose: String

    /// The name with its argument, as it is typed.
    var usage: String { argument.map { "\(name) \($0)" } ?? name }

    /// Returns the text to print; its own argument is empty for a command without one.
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

/// The environment in which a service builds its parts.
package struct ServiceRuntime: Sendable {
    package let name: String
    package let version: String
    /// The address to listen on.
    package let host: String
    package let port: Int
    package let logger: Logger
    /// The only event loop group of the process.
    package let group: any EventLoopGroup
    package let readiness: Readiness
    package let metrics: MetricsRegistry
    /// Receives spans; nil if no collector is configured.
    package let exporter: OTLPExporter?
    /// The certificates for other services; nil if no folder of certificates is configured.
    package let certificates: PeerCertificates?

    package init(
        name: String, version: String, host: String, port: Int, logger: Logger, group: any EventLoopGroup,
        readiness: Readiness, metrics: MetricsRegistry, exporter: OTLPExporter? = nil,
        certificates: PeerCertificates? = nil
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
        self.certificates = certificates
    }
}
