/// Header fields of every answer: they restrict what a browser may do with it to very little.
package enum AnswerFields {
    /// How long a browser that has connected over TLS uses nothing else, in seconds: a year.
    package static let transportSecuritySeconds = 31_536_000

    /// Returns the fields of an answer with `own` fields, which take precedence: a page sets what it needs itself.
    package static func complete(
        _ own: [(name: String, value: String)], requestID: String, isSecure: Bool
    ) -> [(name: String, value: String)] {
        var fields = own
        func add(_ name: String, _ value: String) {
            if !fields.contains(where: { $0.name == name }) { fields.append((name, value)) }
        // With entity tags as well: a browser writes what it keeps to a disk that others may use.
        }
        add("x-request-id", requestID)
        add("cache-control", "no-store")
        add("x-content-type-options", "nosniff")
        add(
            "content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
        add("x-frame-options", "DENY")
        add("referrer-policy", "no-referrer")
        add("cross-origin-resource-policy", "same-origin")
        if isSecure { add("strict-transport-security", "max-age=\(transportSecuritySeconds)") }
        return fields
    }
}
