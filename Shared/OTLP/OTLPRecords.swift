internal import JSON

/// An attribute of a span, a log record or a metric point.
package struct OTLPAttribute: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A finished OpenTelemetry span.
package struct OTLPSpan: Sendable, Hashable {
    /// The values of OTLP's `SpanKind`.
    package enum Kind: Int, Sendable, Hashable {
        case `internal` = 1
        case server = 2
        case client = 3
        case producer = 4
        case consumer = 5
    }

    package let name: String
    package let kind: Kind
    /// 32 and 16 lowercase hexadecimal digits; `parentSpanID` is nil at the root of a trace.
    package let traceID: String
    package let spanID: String
    package let parentSpanID: String?
    /// Nanoseconds since 1970.
    package let begin: Int64
    package let end: Int64
    package let attributes: [OTLPAttribute]
    /// The error it failed with; nil if it succeeded.
    package let failure: String?

    package init(
        name: String, kind: Kind, traceID: String, spanID: String, parentSpanID: String?, begin: Int64, end: Int64,
        attributes: [OTLPAttribute] = [], failure: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.traceID = traceID
        self.spanID = spanID
        self.parentSpanID = parentSpanID
        self.begin = begin
        self.end = end
        self.attributes = attributes
        self.failure = failure
    }
}

/// A line of the log.
package struct OTLPLog: Sendable, Hashable {
    /// Nanoseconds since 1970.
    package let at: Int64
    /// 1 (trace) to 24 (fatal), as numbered by OTLP, and its name.
    package let severity: Int
    package let severityText: String
    package let body: String
    package let attributes: [OTLPAttribute]

    package init(at: Int64, severity: Int, severityText: String, body: String, attributes: [OTLPAttribute]) {
        self.at = at
        self.severity = severity
        self.severityText = severityText
        self.body = body
        self.attributes = attributes
    }
}

/// A family of series with their current values, counted since the process started.
package struct OTLPMetric: Sendable {
    package enum Value: Sendable {
        case counter(Double)
        case gauge(Double)
        /// The observations in each bucket, the last one beyond the highest bound, and their sum.
        case histogram(bounds: [Double], counts: [UInt64], sum: Double)
    }

    package struct Point: Sendable {
        package let attributes: [OTLPAttribute]
        package let value: Value

        package init(attributes: [OTLPAttribute], value: Value) {
            self.attributes = attributes
            self.value = value
        }
    }

    package let name: String
    /// All of the same kind.
    package let points: [Point]

    package init(name: String, points: [Point]) {
        self.name = name
        self.points = points
    }
}

/// The source of the telemetry.
package struct OTLPResource: Sendable, Hashable {
    package let service: String
    package let version: String
    /// Distinguishes the copies of a service.
    package let instance: String
    /// Nanoseconds since 1970.
    package let startedAt: Int64

    package init(service: String, version: String, instance: String, startedAt: Int64) {
        self.service = service
        self.version = version
        self.instance = instance
        self.startedAt = startedAt
    }
}

/// The bodies of OTLP over HTTP in JSON: camelCase members, 64-bit numbers as strings, ids as hexadecimal digits.
package enum OTLPText {
    package static func traces(_ spans: [OTLPSpan], of resource: OTLPResource) -> [UInt8] {
        body("resourceSpans", "scopeSpans", "spans", spans.map(span), resource)
    }

    package static func logs(_ logs: [OTLPLog], of resource: OTLPResource) -> [UInt8] {
        body("resourceLogs", "scopeLogs", "logRecords", logs.map(log), resource)
    }

    package static func metrics(_ metrics: [OTLPMetric], at moment: Int64, of resource: OTLPResource) -> [UInt8] {
        body(
            "resourceMetrics", "scopeMetrics", "metrics", metrics.compactMap { metric($0, moment, resource) }, resource)
    }

    private static func body(
        _ outer: String, _ scope: String, _ inner: String, _ parts: [JSONValue], _ resource: OTLPResource
    ) -> [UInt8] {
        let about = [
            OTLPAttribute("service.name", "reelay-\(resource.service)"),
            OTLPAttribute("service.version", resource.version),
            OTLPAttribute("service.instance.id", resource.instance),
        ]
        let scoped = object([
            ("scope", object([("name", .string("reelay")), ("version", .string(resource.version))])),
            (inner, .array(parts)),
        ])
        let all = object([
            ("resource", object([("attributes", attributes(about))])), (scope, .array([scoped])),
        ])
        return encodeJSON(object([(outer, .array([all]))]))
    }

    private static func span(_ span: OTLPSpan) -> JSONValue {
        var members: [(name: String, value: JSONValue)] = [
            ("traceId", .string(span.traceID)), ("spanId", .string(span.spanID)),
        ]
        if let parent = span.parentSpanID { members.append(("parentSpanId", .string(parent))) }
        members += [
            ("name", .string(span.name)), ("kind", .number(JSONNumber(span.kind.rawValue))),
            ("startTimeUnixNano", .string(String(span.begin))), ("endTimeUnixNano", .string(String(span.end))),
            ("attributes", attributes(span.attributes)),
        ]
        // 1 is ok, 2 is an error; absent is "unset", which is how servers report that they responded.
        if let failure = span.failure {
            members.append(("status", object([("code", .number(JSONNumber(2))), ("message", .string(failure))])))
        }
        return object(members)
    }

    private static func log(_ log: OTLPLog) -> JSONValue {
        var members: [(name: String, value: JSONValue)] = [
            ("timeUnixNano", .string(String(log.at))), ("observedTimeUnixNano", .string(String(log.at))),
            ("severityNumber", .number(JSONNumber(log.severity))), ("severityText", .string(log.severityText)),
            ("body", text(log.body)), ("attributes", attributes(log.attributes)),
        ]
        // Records of a trace carry its ids where collectors look for them.
        for (member, attribute, length) in [("traceId", "trace_id", 32), ("spanId", "span_id", 16)] {
            guard let id = log.attributes.first(where: { $0.name == attribute })?.value, id.utf8.count == length else {
                continue
            }
            members.append((member, .string(id)))
        }
        return object(members)
    }

    private static func metric(_ metric: OTLPMetric, _ moment: Int64, _ resource: OTLPResource) -> JSONValue? {
        guard let first = metric.points.first else { return nil }
        func time(_ point: OTLPMetric.Point) -> [(name: String, value: JSONValue)] {
            [
                ("attributes", attributes(point.attributes)),
                ("startTimeUnixNano", .string(String(resource.startedAt))), ("timeUnixNano", .string(String(moment))),
            ]
        }
        let points = metric.points.map { point in
            switch point.value {
            case .counter(let value), .gauge(let value):
                object(time(point) + [("asDouble", .number(JSONNumber(value.isFinite ? value : 0)))])
            case .histogram(let bounds, let counts, let sum):
                object(
                    time(point) + [
                        ("count", .string(String(counts.reduce(0, +)))),
                        ("sum", .number(JSONNumber(sum.isFinite ? sum : 0))),
                        ("bucketCounts", .array(counts.map { .string(String($0)) })),
                        ("explicitBounds", .array(bounds.map { .number(JSONNumber($0)) })),
                    ])
            }
        }
        let cumulative: (name: String, value: JSONValue) = ("aggregationTemporality", .number(JSONNumber(2)))
        let data: (name: String, value: JSONValue) =
            switch first.value {
            case .counter:
                ("sum", object([("dataPoints", .array(points)), cumulative, ("isMonotonic", .bool(true))]))
            case .gauge: ("gauge", object([("dataPoints", .array(points))]))
            case .histogram: ("histogram", object([("dataPoints", .array(points)), cumulative]))
            }
        return object([("name", .string(metric.name)), data])
    }

    private static func attributes(_ attributes: [OTLPAttribute]) -> JSONValue {
        .array(attributes.map { object([("key", .string($0.name)), ("value", text($0.value))]) })
    }

    private static func text(_ text: String) -> JSONValue { object([("stringValue", .string(text))]) }

    private static func object(_ members: [(name: String, value: JSONValue)]) -> JSONValue {
        .object(JSONObject(members))
    }
}
