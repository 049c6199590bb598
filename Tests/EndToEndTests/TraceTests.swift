import Foundation
import Stack
import Testing

/// One trace from a frontend's call to the resulting call to Trakt, as a collector receives it.
@Suite(.serialized)
struct TraceTests {
    private struct Span {
        let service: String
        let name: String
        let id: String
        let parent: String?
        let kind: Int
        let begin: Int64
        let end: Int64
    }

    private static func service(_ part: [String: Any]) -> String {
        let attributes = (part["resource"] as? [String: Any])?["attributes"] as? [[String: Any]] ?? []
        let name = attributes.first { $0["key"] as? String == "service.name" }?["value"] as? [String: Any]
        return name?["stringValue"] as? String ?? ""
    }

    /// The records of one kind, each with the service that sent it.
    private static func records(
        _ bodies: [[String: Any]], _ outer: String, _ scope: String, _ inner: String
    ) -> [(service: String, record: [String: Any])] {
        bodies.flatMap { $0[outer] as? [[String: Any]] ?? [] }.flatMap { part in
            (part[scope] as? [[String: Any]] ?? []).flatMap { $0[inner] as? [[String: Any]] ?? [] }.map {
                (service(part), $0)
            }
        }
    }

    private static func spans(_ collector: Collector, of trace: String) throws -> [Span] {
        records(try collector.bodies("/v1/traces"), "resourceSpans", "scopeSpans", "spans").compactMap {
            service, record in
            guard record["traceId"] as? String == trace else { return nil }
            func time(_ name: String) -> Int64 { (record[name] as? String).flatMap { Int64($0) } ?? 0 }
            return Span(
                service: service, name: record["name"] as? String ?? "", id: record["spanId"] as? String ?? "",
                parent: record["parentSpanId"] as? String, kind: record["kind"] as? Int ?? 0,
                begin: time("startTimeUnixNano"), end: time("endTimeUnixNano"))
        }
    }

    private static func connect(_ client: PublicClient) async throws {
        let invitation = try await client.send("POST", "/scrobbling/trakt/connect")
        let address = try #require(invitation.json["authorize_url"] as? String, "\(invitation.answer.text)")
        let browser = try await Wire.send("GET", "\(address)&as=demo-walter", headers: ["user-agent": "a browser"])
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String { back.queryItems?.first { $0.name == name }?.value ?? "" }
        _ = try await client.send(
            "POST", "/scrobbling/trakt/complete", #"{"code":"\#(field("code"))","state":"\#(field("state"))"}"#)
        let enabled = try await client.send(
            "PATCH", "/scrobbling/connections/trakt",
            #"{"enabled":true,"facets":[{"facet":"progress","direction":"receive","conflicts":"ours","deletes":false}]}"#
        )
        #expect(enabled.json["enabled"] as? Bool == true, "\(enabled.answer.text)")
    }

    @Test("gateway → scrobble → job → Trakt: one trace, each a child of the one before, in traces and in logs")
    func oneTrace() async throws {
        let collector = try Collector()
        var plan = StackPlan()
        plan.settings = collector.settings
        plan.settings["REELAY_LOG_LEVEL"] = "debug"
        try await Stack.running(plan) { stack in
            let client = try await PublicClient(try stack.service("gateway").port).registered("walter")
            try await Self.connect(client)
            let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
            let id = try #require(film.json["id"] as? String, "\(film.answer.text)")
            let session = try await client.send("POST", "/playback/sessions", #"{"title":"\#(id)"}"#)
            let sitting = try #require(session.json["id"] as? String, "\(session.answer.text)")
            let (trace, frontend) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
            let stop = try await client.send(
                "POST", "/playback/sessions/\(sitting)/stop", #"{"progress_percent":96.5}"#,
                headers: ["traceparent": "00-\(trace)-\(frontend)-01"])
            #expect(stop.status == 200 && stop.answer.headers["x-request-id"] == trace, "\(stop.answer.text)")

            var spans: [Span] = []
            let end = ContinuousClock.now + .seconds(30)
            while !spans.contains(where: { $0.name == "POST trakt/scrobble" }), ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(100))
                spans = try Self.spans(collector, of: trace)
            }
            let seen = spans.map { "\($0.service) \($0.name) \($0.kind)" }
            let edge = try #require(spans.first { $0.service == "reelay-gateway" }, "\(seen)")
            #expect(edge.parent == frontend && edge.kind == 2)
            let call = try #require(spans.first { $0.name == "scrobble.stopPlayback" }, "\(seen)")
            #expect(call.service == "reelay-scrobble" && call.parent == edge.id)
            let job = try #require(spans.first { $0.name == "deliver stop" }, "\(seen)")
            #expect(job.parent == call.id && job.kind == 5)
            let upstream = try #require(spans.first { $0.name == "POST trakt/scrobble" }, "\(seen)")
            #expect(upstream.parent == job.id && upstream.kind == 3)
            for span in spans { #expect(span.end >= span.begin && span.begin > 1_700_000_000_000_000_000) }
            #expect(edge.begin <= call.begin + 1_000_000 && call.begin <= job.begin + 1_000_000)
            print("trace: " + [edge, call, job, upstream].map { "\($0.service) \($0.name)" }.joined(separator: " → "))

            // The trace id leads through the logs of all services, here and at the collector.
            for name in ["gateway", "scrobble"] {
                let log = try String(contentsOf: try stack.service(name).log, encoding: .utf8)
                #expect(log.contains(trace), "\(name)")
            }
            // The request names its person as the audit does.
            let gatewayLog = try String(contentsOf: try stack.service("gateway").log, encoding: .utf8)
            let walter = try #require(
                try AuditTests.lines(gatewayLog).first { $0["event"] == "register" }?["person"])
            let request = try #require(
                gatewayLog.split(separator: "\n").first { $0.contains(#""message":"request""#) && $0.contains(trace) })
            #expect(request.contains(#""person":"\#(walter)""#) && walter.count == 32, "\(request)")
            let scrobbleLog = try String(contentsOf: try stack.service("scrobble").log, encoding: .utf8)
            #expect(scrobbleLog.split(separator: "\n").contains { $0.contains("job tried") && $0.contains(trace) })
            let logs = Self.records(try collector.bodies("/v1/logs"), "resourceLogs", "scopeLogs", "logRecords")
            #expect(Set(logs.filter { $0.record["traceId"] as? String == trace }.map(\.service)).count == 2)
            let metrics = Self.records(
                try collector.bodies("/v1/metrics"), "resourceMetrics", "scopeMetrics", "metrics")
            let names = Set(metrics.compactMap { $0.record["name"] as? String })
            #expect(
                names.isSuperset(of: [
                    "rpc_server_duration_seconds", "upstream_call_duration_seconds", "queue_jobs_waiting",
                    "queue_settled_total",
                ]), "\(names)")
            #expect(Set(metrics.map(\.service)).count == 4, "every service sends")
        }
    }
}
