/// The token in an Authorization field (RFC 6750 §2.1).
package enum BearerToken {
    /// Returns the token if `fields` is a single field with the scheme Bearer, one or more spaces and a token without
    /// spaces; nil for anything else, so that two fields are never ambiguous.
    package static func token(in fields: [String]) -> String? {
        guard fields.count == 1, let field = fields.first else { return nil }
        // Byte by byte: finding characters takes longer than everything else that is done with a token.
        let space = UInt8(ascii: " ")
        let scheme = field.utf8.prefix { $0 != space }
        let rest = field.utf8[scheme.endIndex...].drop { $0 == space }
        let token = rest.prefix { $0 != space }
        guard Substring(scheme).lowercased() == "bearer", !token.isEmpty,
            rest[token.endIndex...].allSatisfy({ $0 == space })
        else { return nil }
        return String(Substring(token))
    }
}
