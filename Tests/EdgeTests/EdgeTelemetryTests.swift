import Contracts
import Edge
import Logging
import TestSupport
import Testing

/// What is logged about clients that are turned away before there is a request.
@Suite struct EdgeTelemetryTests {
    @Test("Who misuses HTTP/2 has a line, what is refused as a request has its own, and a crowd is counted alone")
    func turnedAway() {
        let notebook = LogNotebook(.info)
        let telemetry = EdgeTelemetry(logger: notebook.logger, digest: { _ in "" })
        // Repeated misuse of one kind within a second is logged once.
        for kind in EdgeRefusal.Abuse.allCases + EdgeRefusal.Abuse.allCases { telemetry.turnedAway(.abuse(kind)) }
        for reason in EdgeRefusal.Request.allCases { telemetry.turnedAway(.request(reason)) }
        for reason in EdgeRefusal.Connection.allCases { telemetry.turnedAway(.connection(reason)) }
        let kinds = EdgeRefusal.Abuse.allCases.map(\.rawValue)
        let lines = notebook.lines
        #expect(lines.count == kinds.count)
        for (line, kind) in zip(lines, kinds) {
            #expect(line.hasPrefix("info misuse of HTTP/2 ") && line.contains("\"kind\": \(kind)"), "\(line)")
        }
    }
}
