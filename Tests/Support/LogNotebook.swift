package import Logging
internal import Synchronization

/// Keeps the lines that a logger writes.
package final class LogNotebook: Sendable {
    private struct Handler: LogHandler {
        let notebook: LogNotebook
        var logLevel: Logger.Level
        var metadata: Logger.Metadata = [:]

        init(_ notebook: LogNotebook) {
            self.notebook = notebook
            logLevel = notebook.level
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            notebook.kept.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }

    private let level: Logger.Level
    private let kept = Mutex<[String]>([])

    /// Keeps the lines of `level` and above.
    package init(_ level: Logger.Level = .trace) { self.level = level }

    /// A logger that writes here.
    package var logger: Logger { Logger(label: "test") { _ in Handler(self) } }

    /// The level, message and metadata of each line.
    package var lines: [String] { kept.withLock { $0 } }
}
