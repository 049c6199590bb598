import JSON
import OTLP
import Testing

/// The bodies sent to a collector, checked against the protocol's JSON encoding.
@Suite struct OTLPTextTests {
    private static let resource = OTLPResource(
        service: "scrobble", version: "1.2.3", instance: "host-1-2", startedAt: 5)

    private static func read(_ bytes: [UInt8]) throws -> JSONValue { try decodeJSON(JSONValue.self, from: bytes) }

    @Test("A span: ids in hexadecimal, times as texts, its parent and its failure where it has them")
    func span() throws {
        let root = OTLPSpan(
            name: "rate \"x\"\n", kind: .server, traceID: "4bf92f3577b34da6a3ce929d0e0e4736",
            spanID: "00f067aa0ba902b7",
            parentSpanID: nil, begin: 1_700_000_000_000_000_001, end: 1_700_000_000_000_000_009,
            attributes: [OTLPAttribute("rpc.method", "ratings.rateTitle")])
        let child = OTLPSpan(
            name: "c", kind: .client, traceID: root.traceID, spanID: "00f067aa0ba902b8", parentSpanID: root.spanID,
            begin: 1, end: 2, failure: "status 503")
        let body = try Self.read(OTLPText.traces([root, child], of: Self.resource))
        let all = body["resourceSpans"][0]
        let about = all["resource"]["attributes"].array.map { ($0["key"].string, $0["value"]["stringValue"].string) }
        #expect(about.contains { $0 == ("service.name", "reelay-scrobble") })
        #expect(about.contains { $0 == ("service.instance.id", "host-1-2") })
        let spans = all["scopeSpans"][0]["spans"].array
        #expect(spans.count == 2)
        #expect(spans[0]["traceId"].string == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(spans[0]["name"].string == "rate \"x\"\n" && spans[0]["kind"].int == 2)
        #expect(spans[0]["startTimeUnixNano"].string == "1700000000000000001", "a text: it is beyond 2^53")
        #expect(spans[0].object?.members.contains { $0.name == "parentSpanId" || $0.name == "status" } == false)
        #expect(spans[0]["attributes"][0]["value"]["stringValue"].string == "ratings.rateTitle")
        #expect(spans[1]["parentSpanId"].string == root.spanID && spans[1]["status"]["code"].int == 2)
        #expect(spans[1]["status"]["message"].string == "status 503")
    }

    @Test("A line of the log stands in the trace that it names")
    func log() throws {
        let log = OTLPLog(
            at: 7, severity: 13, severityText: "warning", body: "served",
            attributes: [
                OTLPAttribute("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), OTLPAttribute("span_id", "too short"),
            ])
        let record = try Self.read(OTLPText.logs([log], of: Self.resource))["resourceLogs"][0]["scopeLogs"][0][
            "logRecords"][0]
        #expect(record["body"]["stringValue"].string == "served" && record["severityNumber"].int == 13)
        #expect(record["traceId"].string == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(record["spanId"].string == nil)
    }

    @Test("Counters are cumulative sums, gauges are gauges, histograms have a bucket more than bounds")
    func metrics() throws {
        func metric(_ name: String, _ value: OTLPMetric.Value) -> OTLPMetric {
            OTLPMetric(name: name, points: [OTLPMetric.Point(attributes: [OTLPAttribute("code", "0")], value: value)])
        }
        let body = try Self.read(
            OTLPText.metrics(
                [
                    metric("a_total", .counter(3)), metric("b", .gauge(.nan)),
                    metric("c_seconds", .histogram(bounds: [0.1, 1], counts: [1, 2, 3], sum: 9.5)),
                    OTLPMetric(name: "empty", points: []),
                ], at: 9, of: Self.resource))
        let metrics = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].array
        #expect(metrics.map { $0["name"].string } == ["a_total", "b", "c_seconds"])
        #expect(metrics[0]["sum"]["isMonotonic"].bool == true && metrics[0]["sum"]["aggregationTemporality"].int == 2)
        #expect(metrics[0]["sum"]["dataPoints"][0]["asDouble"].double == 3)
        #expect(metrics[0]["sum"]["dataPoints"][0]["startTimeUnixNano"].string == "5")
        #expect(metrics[1]["gauge"]["dataPoints"][0]["asDouble"].double == 0, "JSON knows no NaN")
        let point = metrics[2]["histogram"]["dataPoints"][0]
        #expect(point["count"].string == "6" && point["sum"].double == 9.5)
        #expect(point["bucketCounts"].array.compactMap(\.string) == ["1", "2", "3"])
        #expect(point["explicitBounds"].array.count == 2)
    }
}
