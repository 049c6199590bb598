import HTTP2

/// The metadata of a request, extracted from its header fields in one pass.
struct RequestHeaders {
    var contentType: String?
    var authorization: String?
    var timeout: String?
    var attempt: String?
    var idempotencyKey: String?
    var traceparent: String?
    var tracestate: String?
    private var traceparentCount = 0

    init(_ headers: [H2Header]) {
        for header in headers {
            switch header.name {
            case "content-type": contentType = header.value
            case "authorization": authorization = header.value
            case "rpc-timeout-ms": timeout = header.value
            case "rpc-attempt": attempt = header.value
            case "idempotency-key": idempotencyKey = header.value
            case "traceparent":
                traceparent = header.value
                traceparentCount += 1
            case "tracestate": tracestate = tracestate.map { "\($0),\(header.value)" } ?? header.value
            default: break
            }
        }
    }

    /// Whether the body is JSON; parameters such as charset are ignored.
    var isJSON: Bool { contentType.map(Self.isJSON) ?? false }

    /// Returns whether the body is JSON, when nothing else is needed from the fields.
    static func tellJSON(_ headers: [H2Header]) -> Bool {
        for header in headers.reversed() where header.name == "content-type" { return isJSON(header.value) }
        return false
    }

    private static func isJSON(_ contentType: String) -> Bool {
        if contentType == "application/json" { return true }
        let type = contentType.prefix { $0 != ";" }.drop { $0 == " " || $0 == "\t" }
        return type.lowercased().split(whereSeparator: { $0 == " " || $0 == "\t" }) == ["application/json"]
    }

    /// Returns the context for a handler; throws −32600 with the name of an invalid header. An invalid trace is
    /// replaced.
    func context(receivedAt: ContinuousClock.Instant, limits: RPCLimits) throws(RPCError) -> RPCContext {
        var allowed = limits.timeoutDefault
        if let timeout {
            guard let milliseconds = Self.digits(timeout, countMax: 10), milliseconds > 0 else {
                throw RPCError.invalidRequest("rpc-timeout-ms is not a whole number of 1 to 10 digits above 0.")
            }
            allowed = min(.milliseconds(milliseconds), limits.timeoutMax)
        }
        var number = 0
        if let attempt {
            guard let value = Self.digits(attempt, countMax: 4), value <= limits.attemptMax else {
                throw RPCError.invalidRequest("rpc-attempt is not a whole number from 0 to \(limits.attemptMax).")
            }
            number = value
        }
        if let idempotencyKey { try Self.check(idempotencyKey, countMax: limits.idempotencyKeyBytesMax) }
        let parent =
            traceparentCount == 1
            ? traceparent.flatMap { TraceContext(traceparent: $0, tracestate: tracestate) } : nil
        return RPCContext(
            deadline: receivedAt.advanced(by: allowed), attempt: number, trace: parent?.child() ?? .root(),
            idempotencyKey: idempotencyKey)
    }

    /// Checks an idempotency key: 1 to `countMax` visible ASCII characters.
    static func check(_ key: String, countMax: Int) throws(RPCError) {
        let isValid = (1...countMax).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        if !isValid {
            throw RPCError.invalidRequest("idempotency-key is not 1 to \(countMax) visible ASCII characters.")
        }
    }

    private static func digits(_ text: String, countMax: Int) -> Int? {
        guard (1...countMax).contains(text.utf8.count) else { return nil }
        var value = 0
        for byte in text.utf8 {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
}
