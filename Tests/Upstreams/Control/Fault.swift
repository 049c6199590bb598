package import JSON

/// A fault injected into the next matching requests.
package struct Fault: Sendable {
    /// What goes wrong.
    package enum Kind: String, Sendable, CaseIterable {
        /// Waits `milliseconds`, then answers as usual.
        case latency
        /// Answers with `status` in the provider's own error shape.
        case status
        /// Answers with an HTML page and `status`.
        case html
        /// Accepts the request, sends nothing for `milliseconds`, then answers 504.
        case hang
        /// Handles the request, then closes the connection without an answer.
        case drop
        /// Sends the usual answer with numbers as strings and strings as numbers, only in `field` if it is given.
        case wrongType = "wrong_type"
        /// Sends the first half of the usual answer, as if it were complete.
        case truncated
        /// Answers 429 in the provider's own form, with `retry_after` if it is given.
        case rateLimited = "rate_limited"
        /// Answers as the provider does when the allowance is used up.
        case quota
        /// Sends a JSON text of `bytes` bytes, without announcing its length.
        case oversized
        /// Sends the usual answer one byte every `milliseconds`.
        case drip
    }

    package let provider: UpstreamName
    package let kind: Kind
    /// Matches only requests whose path, below the provider's prefix, begins with this.
    package let path: String
    /// The number of requests still to be hit; nil means until reset.
    package var remaining: Int?
    package let milliseconds: Int
    package let status: Int
    package let retryAfter: String?
    package let bytes: Int
    package let field: String?

    /// Creates a fault; values out of range are clamped rather than refused (see `UpstreamLimits`).
    package init(
        provider: UpstreamName, kind: Kind, path: String = "/", times: Int? = nil, milliseconds: Int? = nil,
        status: Int? = nil, retryAfter: String? = nil, bytes: Int? = nil, field: String? = nil
    ) {
        self.provider = provider
        self.kind = kind
        self.path = path
        self.remaining = times.map { max($0, 1) }
        self.milliseconds = min(
            max(milliseconds ?? Self.usualMilliseconds(kind), 0), UpstreamLimits.waitMillisecondsMax)
        self.status = min(max(status ?? (kind == .html ? 502 : 503), 200), 599)
        self.retryAfter = retryAfter
        self.bytes = min(max(bytes ?? 4_194_304, 64), UpstreamLimits.oversizedBytesMax)
        self.field = field
    }

    /// Parses the body of `POST /control/faults`; nil without a known `provider` and `kind`.
    package init?(_ value: JSONValue) {
        guard let provider = value["provider"].string.flatMap(UpstreamName.init(rawValue:)),
            let kind = value["kind"].string.flatMap(Kind.init(rawValue:))
        else { return nil }
        self.init(
            provider: provider, kind: kind, path: value["path"].string ?? "/", times: value["times"].int,
            milliseconds: value["milliseconds"].int, status: value["status"].int,
            retryAfter: value["retry_after"].string ?? value["retry_after"].int.map { String($0) },
            bytes: value["bytes"].int, field: value["field"].string)
    }

    package var json: JSONValue {
        .members([
            "provider": .string(provider.rawValue), "kind": .string(kind.rawValue), "path": .string(path),
            "times": .whole(remaining), "milliseconds": .whole(milliseconds), "status": .whole(status),
            "retry_after": .text(retryAfter), "bytes": .whole(bytes), "field": .text(field),
        ])
    }

    private static func usualMilliseconds(_ kind: Kind) -> Int {
        switch kind {
        case .hang: 60_000
        case .drip: 200
        default: 1_000
        }
    }
}
