package import Logging

/// Writes each record as one line of JSON: time in UTC, level, service, version, message, then the metadata.
package struct JSONLogHandler: LogHandler {
    /// The nesting depth of values in one line.
    private static let metadataDepthMax = 8
    /// Bytes of one text in a line; the rest is truncated.
    private static let textBytesMax = 2048

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let prefix: [UInt8]
    private let write: @Sendable ([UInt8], Logger.Level) -> Void
    private let now: @Sendable () -> WallTime

    /// `write` receives one whole line with its line feed, and its level.
    package init(
        label: String, service: String, version: String, level: Logger.Level,
        now: @escaping @Sendable () -> WallTime, write: @escaping @Sendable ([UInt8], Logger.Level) -> Void
    ) {
        logLevel = level
        self.now = now
        self.write = write
        var prefix: [UInt8] = []
        for (name, value) in [("service", service), ("version", version), ("logger", label)] {
            prefix.append(UInt8(ascii: ","))
            JSONLine.append(name, to: &prefix)
            prefix.append(UInt8(ascii: ":"))
            JSONLine.append(value, to: &prefix)
        }
        self.prefix = prefix
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { Self.add(provided, to: &merged) }
        if let given = event.metadata { Self.add(given, to: &merged) }
        var line = head(event)
        let headCount = line.count
        for (name, value) in merged.sorted(by: { $0.key < $1.key }) {
            JSONLine.appendName(Self.isTaken(name) ? "_\(name)" : name, to: &line)
            append(value, depth: 0, to: &line)
        }
        if line.count + 2 > LogSink.lineBytesMax {
            let lost = line.count - headCount
            line.removeSubrange(headCount...)
            JSONLine.appendName("metadata_bytes_dropped", to: &line)
            line.append(contentsOf: String(lost).utf8)
        }
        line.append(contentsOf: [UInt8(ascii: "}"), UInt8(ascii: "\n")])
        write(line, event.level)
    }

    /// Of equal names the later one wins; usually `merged` is empty.
    private static func add(_ later: Logger.Metadata, to merged: inout Logger.Metadata) {
        if merged.isEmpty { merged = later } else { merged.merge(later) { _, new in new } }
    }

    /// Whether `name` is reserved; metadata with such a name is prefixed with an underscore.
    private static func isTaken(_ name: String) -> Bool {
        switch name {
        case "time", "level", "service", "version", "message", "logger", "error": true
        default: false
        }
    }

    private func head(_ event: LogEvent) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(512)
        line.append(contentsOf: #"{"time":""#.utf8)
        now().append(to: &line)
        line.append(contentsOf: #"","level":""#.utf8)
        line.append(contentsOf: event.level.rawValue.utf8)
        line.append(UInt8(ascii: "\""))
        line.append(contentsOf: prefix)
        JSONLine.appendName("message", to: &line)
        JSONLine.append(event.message.description, to: &line, bytesMax: Self.textBytesMax / 2)
        if let error = event.error {
            JSONLine.appendName("error", to: &line)
            JSONLine.append(String(describing: error), to: &line, bytesMax: Self.textBytesMax / 4)
        }
        return line
    }

    private func append(_ value: Logger.Metadata.Value, depth: Int, to line: inout [UInt8]) {
        guard depth < Self.metadataDepthMax else {
            JSONLine.append("…", to: &line)
            return
        }
        switch value {
        case .string(let text):
            JSONLine.append(text, to: &line, bytesMax: Self.textBytesMax)
        case .stringConvertible(let value):
            append(convertible: value, to: &line)
        case .array(let values):
            line.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                append(value, depth: depth + 1, to: &line)
            }
            line.append(UInt8(ascii: "]"))
        case .dictionary(let values):
            line.append(UInt8(ascii: "{"))
            for (name, value) in values.sorted(by: { $0.key < $1.key }) {
                JSONLine.appendName(name, to: &line)
                append(value, depth: depth + 1, to: &line)
            }
            line.append(UInt8(ascii: "}"))
        }
    }

    private func append(convertible value: any CustomStringConvertible & Sendable, to line: inout [UInt8]) {
        switch value {
        case let number as any BinaryInteger:
            line.append(contentsOf: number.description.utf8)
        case let number as Double where number.isFinite:
            line.append(contentsOf: number.description.utf8)
        case let flag as Bool:
            line.append(contentsOf: flag.description.utf8)
        default:
            JSONLine.append(value.description, to: &line, bytesMax: Self.textBytesMax)
        }
    }
}
