package import JSON

/// A fault that the next matching requests run into.
package struct Fault: Sendable {
    /// What goes wrong.
    package enum Kind: String, Sendable, CaseIterable {
        /// Waits `milliseconds`, then answers as usual.
        case latency
        /// Answers with `status` in the provider's own error shape.
        case status
        /// Answers with an HTML page and `status`.
        case html
        /// Takes the request and answers nothing for `milliseconds`, then 504.
        case hang
        /// Does the work, then closes the connection without an answer.
        case drop
        /// The usual answer with strings for numbers and numbers for strings, in `field` only if it is given.
        case wrongType = "wrong_type"
        /// The first half of the usual answer, as if it were whole.
        case truncated
        /// 429 as the provider says it, with `retry_after` if it is given.
        case rateLimited = "rate_limited"
        /// The provider's way to say that the allowance is used up.
        case quota
        /// A JSON text of `bytes` bytes, without a length announced.
        case oversized
        /// The usual answer, one byte every `milliseconds`.
        case drip
    }

    package let provider: UpstreamName
    package let kind: Kind
    /// Only requests whose path begins so, below the provider's prefix.
    package let path: String
    /// Requests still to be hit; nil means until reset.
    package var remaining: Int?
    package let milliseconds: Int
    package let status: Int
    package let retryAfter: String?
    package let bytes: Int
    package let field: String?

    /// Bounds are held rather than refused; see `UpstreamLimits`.
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

    /// Reads the body of `POST /control/faults`; nil without a known `provider` and `kind`.
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
