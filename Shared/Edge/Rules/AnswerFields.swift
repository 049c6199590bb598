/// Header fields of every answer: they restrict what a browser may do with it to very little.
package enum AnswerFields {
    /// Returns the fields of an answer with `own` fields, which take precedence: a page sets what it needs itself.
    /// `transport` is nil where clients do not connect over TLS.
    package static func complete(
        _ own: [(name: String, value: String)], requestID: String, transport: TransportSecurity?
    ) -> [(name: String, value: String)] {
        var fields = own
        func add(_ name: String, _ value: String) {
            if !fields.contains(where: { $0.name == name }) { fields.append((name, value)) }
        }
        add("x-request-id", requestID)
        // With entity tags as well: a browser writes what it keeps to a disk that others may use.
        add("cache-control", "no-store")
        add("x-content-type-options", "nosniff")
        add(
            "content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
        add("x-frame-options", "DENY")
        add("referrer-policy", "no-referrer")
        add("cross-origin-resource-policy", "same-origin")
        if let transport { add("strict-transport-security", transport.field) }
        return fields
    }
}
