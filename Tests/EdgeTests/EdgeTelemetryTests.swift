import Contracts
import Edge
import Logging
import Synchronization
import Testing

/// What is logged about clients that are turned away before there is a request.
@Suite struct EdgeTelemetryTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private struct Notebook: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        init(_ lines: Lines) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.add("\(event.level) \(event.message) \(event.metadata?["kind"] ?? "")") }
    }

    @Test("Who misuses HTTP/2 has a line, what is refused as a request has its own, and a crowd is counted alone")
    func turnedAway() {
        let lines = Lines()
        let telemetry = EdgeTelemetry(logger: Logger(label: "test") { _ in Notebook(lines) }, digest: { _ in "" })
        // Repeated misuse of one kind within a second is logged once.
        for kind in EdgeRefusal.Abuse.allCases + EdgeRefusal.Abuse.allCases { telemetry.turnedAway(.abuse(kind)) }
        for reason in EdgeRefusal.Request.allCases { telemetry.turnedAway(.request(reason)) }
        for reason in EdgeRefusal.Connection.allCases { telemetry.turnedAway(.connection(reason)) }
        #expect(
            lines.all == EdgeRefusal.Abuse.allCases.map { "info misuse of HTTP/2 \($0.rawValue)" })
    }
}
