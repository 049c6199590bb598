/// What If-Match or If-None-Match names: anything at all, or some tags.
package struct EntityTags: Sendable, Hashable {
    private struct Tag: Sendable, Hashable {
        let isWeak: Bool
        /// In its quotes.
        let text: String
    }

    /// Nil for `*`.
    private let tags: [Tag]?

    /// Tags in one field at most.
    private static let countMax = 64

    /// Reads the fields of one name; nil for text that is no list of tags.
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

    /// Whether they stand for anything that is there.
    package var isAnything: Bool { tags == nil }

    /// The tag where it is one and strong, in its quotes; nil for anything else.
    package var only: String? {
        guard let tags, tags.count == 1, !tags[0].isWeak else { return nil }
        return tags[0].text
    }

    /// Whether `tag` is among them for a write: weak ones never are (RFC 9110 §13.1.1). Nil stands for nothing there.
    package func allowsWrite(of tag: String?) -> Bool {
        guard let tag else { return false }
        return tags.map { $0.contains { !$0.isWeak && $0.text == tag } } ?? true
    }

    /// Whether `tag` is among them for a read, weak or strong (RFC 9110 §13.1.2). Nil stands for nothing there.
    package func contains(_ tag: String?) -> Bool {
        guard let tag else { return false }
        return tags.map { $0.contains { $0.text == tag } } ?? true
    }
}
