/// Which web pages may call the API from a browser: exact origins, never a wildcard, since answers depend on a bearer
/// token.
package struct CORSPolicy: Sendable, Hashable {
    /// How long a browser may cache the answer to a preflight, in seconds.
    package static let preflightAgeSeconds = 600

    private let origins: Set<String>

    /// `origins`: each as a browser writes it, with scheme, host, and port if it is not the scheme's default; `null`
    /// never matches.
    package init(origins: [String]) {
        self.origins = Set(origins.filter { $0 != "null" && $0 != "*" })
    }

    /// Whether any page may call at all.
    package var isOn: Bool { !origins.isEmpty }

    /// Returns the header fields of an answer to a request from `origin`; nil if the page may not read it.
    package func answer(to origin: String) -> [(name: String, value: String)]? {
        guard origins.contains(origin) else { return nil }
        return [
            ("access-control-allow-origin", origin),
            (
                "access-control-expose-headers",
                "Content-Disposition, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Next-Cursor, "
                    + "X-Request-Id"
            ),
            ("vary", "Origin"),
        ]
    }

    /// Returns the header fields of an answer to the preflight that a browser sends before it uses `methods` from
    /// `origin`; nil if the page may not call.
    package func preflight(from origin: String, methods: [String]) -> [(name: String, value: String)]? {
        guard origins.contains(origin) else { return nil }
        return [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", methods.joined(separator: ", ")),
            (
                "access-control-allow-headers",
                "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Traceparent"
            ),
            ("access-control-max-age", String(Self.preflightAgeSeconds)),
            ("vary", "Origin"),
        ]
    }
}
