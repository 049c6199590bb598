/// The token in an Authorization field (RFC 6750 §2.1).
package enum BearerToken {
    /// The token where `fields` is one field with the scheme Bearer, one or more spaces and a token without spaces; nil
    /// for anything else, so that two fields are never read in two ways.
    package static func token(in fields: [String]) -> String? {
        guard fields.count == 1, let field = fields.first else { return nil }
        let parts = field.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bearer", field.first != " " else { return nil }
        return String(parts[1])
    }
}
