/// What a browser that came over TLS is told about its later visits (HSTS, RFC 6797).
package struct TransportSecurity: Sendable {
    /// How long a browser uses nothing but TLS from then on, in seconds: a year.
    private static let seconds = 31_536_000

    /// Whether that holds for names below the gateway's own as well.
    private let coversSubdomains: Bool

    package init(coversSubdomains: Bool) { self.coversSubdomains = coversSubdomains }

    /// The value of the header field.
    var field: String { "max-age=\(Self.seconds)" + (coversSubdomains ? "; includeSubDomains" : "") }
}
