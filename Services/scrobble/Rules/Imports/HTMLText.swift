/// Converts the HTML of reviews to text: paragraphs and line breaks become line ends, other tags are dropped, entities
/// become their characters. Lines end with a line feed, whatever the file uses.
package enum HTMLText {
    private static let entities: [String: Character] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{a0}", "hellip": "…", "mdash": "—",
        "ndash": "–", "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”",
    ]
    /// The number of characters of an entity between `&` and `;`.
    private static let entityMax = 10
    /// The elements after which a new line begins.
    private static let blocks: Set<String> = ["p", "blockquote", "div", "li"]

    package static func plain(_ html: String) -> String {
        var text = ""
        var rest = Substring(html)
        while let mark = rest.firstIndex(where: { $0 == "<" || $0 == "&" }) {
            text += rest[..<mark]
            rest = rest[mark...]
            if rest.first == "<" {
                guard let (name, after) = tag(rest) else {
                    text.append(rest.removeFirst())
                    continue
                }
                if name == "br" { text += "\n" }
                if name.hasPrefix("/"), blocks.contains(String(name.dropFirst())) { text += "\n\n" }
                rest = after
            } else if let (character, after) = entity(rest) {
                text.append(character)
                rest = after
            } else {
                text.append(rest.removeFirst())
            }
        }
        text += rest
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return lines(text)
    }

    /// Normalizes line ends: the same export has CRLF when it comes from Letterboxd, and LF from whatever unpacked and
    /// kept it.
    package static func lines(_ text: String) -> String {
        guard text.utf8.contains(13) else { return text }
        return String(text.map { $0 == "\r\n" || $0 == "\r" ? "\n" : $0 })
    }

    /// Returns the name of the tag at the start, with its slash, and what follows it; nil if `<` is just a character.
    private static func tag(_ text: Substring) -> (name: String, rest: Substring)? {
        guard let end = text.firstIndex(of: ">") else { return nil }
        let inner = text[text.index(after: text.startIndex)..<end]
        guard let first = inner.first, first == "/" || first.isASCII && first.isLetter else { return nil }
        let name = inner.prefix { $0 == "/" && $0 == inner.first || $0.isLetter || $0.isNumber }
        return (name.lowercased(), text[text.index(after: end)...])
    }

    private static func entity(_ text: Substring) -> (Character, rest: Substring)? {
        let inner = text.dropFirst().prefix(entityMax + 1).prefix { $0 != ";" }
        guard inner.endIndex < text.endIndex, text[inner.endIndex] == ";" else { return nil }
        let rest = text[text.index(after: inner.endIndex)...]
        if let character = entities[String(inner)] { return (character, rest) }
        guard inner.first == "#" else { return nil }
        let digits = inner.dropFirst()
        let number =
            digits.first == "x" || digits.first == "X" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        guard let number, number > 0, let scalar = Unicode.Scalar(number) else { return nil }
        return (Character(scalar), rest)
    }
}
