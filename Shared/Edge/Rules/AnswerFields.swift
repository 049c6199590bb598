/// Header fields of every answer, whatever it is: what a browser may do with it, which is little.
package enum AnswerFields {
    /// How long a browser that has come by TLS comes by nothing else, in seconds: a year.
    package static let transportSecuritySeconds = 31_536_000

    /// The fields of an answer with `own` fields, which are not overruled: a page says itself what it needs.
    package static func complete(
        _ own: [(name: String, value: String)], requestID: String, isSecure: Bool
    ) -> [(name: String, value: String)] {
        var fields = own
        func add(_ name: String, _ value: String) {
            if !fields.contains(where: { $0.name == name }) { fields.append((name, value)) }
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
