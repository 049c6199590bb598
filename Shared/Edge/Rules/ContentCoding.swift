/// Which answers are compressed, and for whom.
package enum ContentCoding {
    /// Returns whether fields of `Accept-Encoding` accept gzip (RFC 9110 §12.5.3): by name or by `*`, with a weight
    /// above zero.
    package static func takesGZip(_ fields: [String]) -> Bool {
        guard !fields.isEmpty else { return false }
        var named: Bool?
        var anything = false
        for item in fields.joined(separator: ",").split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let coding = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if coding == "gzip" || coding == "x-gzip" { named = weight > 0 }
            if coding == "*" { anything = weight > 0 }
        }
        return named ?? anything
    }

    /// Returns whether answers of this type are worth compressing.
    package static func isWorthIt(contentType: String) -> Bool {
        let type = Substring(contentType.utf8.prefix { $0 != UInt8(ascii: ";") })
        return type == "application/json" || type == "text/html" || type == "text/csv"
    }

    /// Returns the tag of a compressed answer, which differs since its bytes differ (RFC 9110 §8.8.3.3).
    package static func packedTag(_ tag: String) -> String {
        tag.hasSuffix("\"") ? tag.dropLast() + packedMark + "\"" : tag
    }

    /// Returns the field with the tags of compressed answers replaced by those of the uncompressed ones.
    package static func unpackedTags(_ field: String) -> String {
        field.split(separator: "\"", omittingEmptySubsequences: false).map { part in
            part.hasSuffix(packedMark) ? part.dropLast(packedMark.count) : part
        }.joined(separator: "\"")
    }

    /// None of our own tags ends with it: they are base64.
    private static let packedMark = "+gz"
}
