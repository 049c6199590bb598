/// Which answers are sent packed, and to whom.
package enum ContentCoding {
    /// Whether fields of `Accept-Encoding` take gzip (RFC 9110 §12.5.3): named with a weight above zero, or meant by `*`.
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

    /// Whether an answer of this type gains by it.
    package static func isWorthIt(contentType: String) -> Bool {
        let type = Substring(contentType.utf8.prefix { $0 != UInt8(ascii: ";") })
        return type == "application/json" || type == "text/html" || type == "text/csv"
    }

    /// The tag of a packed answer: another one, since its bytes are others (RFC 9110 §8.8.3.3).
    package static func packedTag(_ tag: String) -> String {
        tag.hasSuffix("\"") ? tag.dropLast() + packedMark + "\"" : tag
    }

    /// Fields with tags as they were given out, of packed answers those of what was packed.
    package static func unpackedTags(_ field: String) -> String {
        field.split(separator: "\"", omittingEmptySubsequences: false).map { part in
            part.hasSuffix(packedMark) ? part.dropLast(packedMark.count) : part
        }.joined(separator: "\"")
    }

    /// No tag of ours ends so: they are base64.
    private static let packedMark = "+gz"
}
