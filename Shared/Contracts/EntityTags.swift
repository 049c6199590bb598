/// The value of If-Match or If-None-Match: `*`, or a list of tags.
package struct EntityTags: Sendable, Hashable {
    private struct Tag: Sendable, Hashable {
        let isWeak: Bool
        /// Including its quotes.
        let text: String
    }

    /// Nil for `*`.
    private let tags: [Tag]?

    /// The maximum number of tags in one field.
    private static let countMax = 64

    /// Parses the fields of one name; nil for text that is not a list of tags.
    package init?(fields: [String]) {
        if fields.count == 1, fields[0] == "*" {
            tags = nil
            return
        }
        var read: [Tag] = []
        for field in fields {
            var rest = Substring(field)
            while true {
                rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
                if rest.isEmpty { break }
                let isWeak = rest.hasPrefix("W/")
                if isWeak { rest = rest.dropFirst(2) }
                guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
                let text = rest[...end]
                guard text.utf8.allSatisfy({ $0 >= 0x21 && $0 != 0x7f }), read.count < Self.countMax else { return nil }
                read.append(Tag(isWeak: isWeak, text: String(text)))
                rest = rest[rest.index(after: end)...]
                guard rest.isEmpty || rest.first == "," || rest.first == " " || rest.first == "\t" else { return nil }
            }
        }
        if read.isEmpty { return nil }
        tags = read
    }

    /// Whether this is `*`, which matches anything that exists.
    package var isAnything: Bool { tags == nil }

    /// The tag in its quotes, if there is exactly one and it is strong; else nil.
    package var only: String? {
        guard let tags, tags.count == 1, !tags[0].isWeak else { return nil }
        return tags[0].text
    }

    /// Whether `tag` matches for a write: weak tags never do (RFC 9110 §13.1.1). Nil if nothing exists.
    package func allowsWrite(of tag: String?) -> Bool {
        guard let tag else { return false }
        return tags.map { $0.contains { !$0.isWeak && $0.text == tag } } ?? true
    }

    /// Whether `tag` matches for a read, weak or strong (RFC 9110 §13.1.2). Nil if nothing exists.
    package func contains(_ tag: String?) -> Bool {
        guard let tag else { return false }
        return tags.map { $0.contains { $0.text == tag } } ?? true
    }
}
