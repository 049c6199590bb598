internal import Logging
internal import OTLP

/// Passes every logged record to the exporter as well.
struct OTLPLogHandler: LogHandler {
    /// Bytes of a text that are sent.
    private static let textBytesMax = 2_048

    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let exporter: OTLPExporter

    init(level: Logger.Level, exporter: OTLPExporter) {
        logLevel = level
        self.exporter = exporter
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var merged = metadata
        if let given = event.metadata { merged.merge(given) { _, new in new } }
        var attributes = merged.sorted { $0.key < $1.key }.map { OTLPAttribute($0.key, Self.cut("\($0.value)")) }
        if let error = event.error { attributes.append(OTLPAttribute("error", Self.cut("\(error)"))) }
        exporter.add(
            OTLPLog(
                at: WallTime.now().unixMilliseconds * 1_000_000, severity: Self.severity(event.level),
                severityText: event.level.rawValue, body: Self.cut(event.message.description), attributes: attributes))
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= textBytesMax ? text : String(decoding: Array(text.utf8.prefix(textBytesMax)), as: UTF8.self)
    }

    /// OTLP's severity numbers: four to a level.
    private static func severity(_ level: Logger.Level) -> Int {
        switch level {
        case .trace: 1
        case .debug: 5
        case .info: 9
        case .notice: 10
        case .warning: 13
        case .error: 17
        case .critical: 21
        }
    }
}
