/// Cleans the texts of a payload before they become facts.
package enum FactsText {
    /// Returns the text without surrounding whitespace and without control characters other than line feeds, truncated
    /// to `charactersMax`; nil if nothing is left.
    package static func clean(_ text: String?, charactersMax: Int) -> String? {
        guard let text = text.map(trimmed) else { return nil }
        if isClean(text, bytesMax: charactersMax) { return text }
        let kept = text.unicodeScalars.filter { $0.properties.generalCategory != .control || $0 == "\n" }
        var result = String(String.UnicodeScalarView(kept))[...]
        while result.first?.isWhitespace == true { result.removeFirst() }
        result = result.prefix(charactersMax)
        while result.last?.isWhitespace == true { result.removeLast() }
        return result.isEmpty ? nil : String(result)
    }

    /// Returns the text without surrounding ASCII whitespace.
    private static func trimmed(_ text: String) -> String {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, isSpace(first) || isSpace(last) else { return text }
        var rest = bytes[...]
        while let byte = rest.first, isSpace(byte) { rest.removeFirst() }
        while let byte = rest.last, isSpace(byte) { rest.removeLast() }
        return String(Substring(rest))
    }

    /// Whether cleaning would leave the text unchanged, as it does nearly all; false if that takes a closer look.
    private static func isClean(_ text: String, bytesMax: Int) -> Bool {
        let isPlain = text.utf8.withContiguousStorageIfAvailable { bytes -> Bool in
            guard !bytes.isEmpty, bytes.count <= bytesMax else { return false }
            var previous: UInt8 = 0
            for byte in bytes {
                if byte < 0x20, byte != 0x0A { return false }
                // U+0080 to U+009F are control characters too.
                if byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return false }
                previous = byte
            }
            return bytes[0] > 0x20 && bytes[bytes.count - 1] > 0x20
        }
        guard isPlain == true else { return false }
        // Beyond ASCII there is more whitespace than a single byte can tell.
        if let first = text.utf8.first, first >= 0x80, text.first?.isWhitespace == true { return false }
        if let last = text.utf8.last, last >= 0x80, text.last?.isWhitespace == true { return false }
        return true
    }

    package static func name(_ text: String?) -> String? {
        clean(text, charactersMax: ProviderLimits.nameCharactersMax)
    }

    package static func overview(_ text: String?) -> String? {
        clean(text, charactersMax: ProviderLimits.overviewCharactersMax)
    }

    package static func certification(_ text: String?) -> String? {
        clean(text, charactersMax: ProviderLimits.certificationCharactersMax)
    }

    /// Returns the cleaned names without duplicates, in order.
    package static func genres(_ names: some Sequence<String>) -> [String] {
        var seen: Set<String> = []
        return Array(
            names.lazy.compactMap { clean($0, charactersMax: ProviderLimits.genreCharactersMax) }
                .filter { seen.insert($0).inserted }.prefix(ProviderLimits.genresMax))
    }

    /// Returns the cleaned names that differ from each other and from `others`, in order.
    package static func names(_ names: some Sequence<String?>, besides others: [String?]) -> [String] {
        var seen = Set(others.compactMap { $0 })
        return Array(
            names.lazy.compactMap { name($0) }.filter { seen.insert($0).inserted }
                .prefix(ProviderLimits.otherNamesMax))
    }

    /// Returns the text of an HTML fragment: without tags, with line breaks, and with references replaced by
    /// characters.
    package static func plain(_ html: String?) -> String? { html.map { unmarked($0, dropsTags: true) } }

    /// Returns the text with references such as "&amp;" and "&#39;" replaced by characters; anything else stays as it
    /// is.
    package static func withoutReferences(_ text: String) -> String { unmarked(text, dropsTags: false) }

    private static func unmarked(_ text: String, dropsTags: Bool) -> String {
        let isMark: (UInt8) -> Bool = { $0 == UInt8(ascii: "&") || (dropsTags && $0 == UInt8(ascii: "<")) }
        guard text.utf8.contains(where: isMark) else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            // The text between two marks is copied at once.
            let start = index
            while index < bytes.count, !isMark(bytes[index]) { index += 1 }
            if index > start { result += bytes[start..<index] }
            guard index < bytes.count else { break }
            if bytes[index] == UInt8(ascii: "&"), let (character, end) = reference(bytes, from: index) {
                result += character.utf8
                index = end
            } else if bytes[index] == UInt8(ascii: "<"), startsTag(bytes, at: index) {
                if isBreak(bytes, at: index), result.last != UInt8(ascii: "\n") { result.append(UInt8(ascii: "\n")) }
                while index < bytes.count, bytes[index] != UInt8(ascii: ">") { index += 1 }
                index += 1
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Whether the tag at "<" ends a line.
    private static func isBreak(_ bytes: [UInt8], at index: Int) -> Bool {
        breaks.contains { name in
            index + name.count < bytes.count
                && (0..<name.count).allSatisfy { bytes[index + 1 + $0] | 0x20 == name[$0] | 0x20 }
        }
    }

    private static let breaks = ["br", "/p", "/li", "/div"].map { Array($0.utf8) }

    /// Whether "<" begins a tag; before anything else it is only a character.
    private static func startsTag(_ bytes: [UInt8], at index: Int) -> Bool {
        guard index + 1 < bytes.count else { return false }
        let next = bytes[index + 1]
        return next == UInt8(ascii: "/") || next == UInt8(ascii: "!") || (0x61...0x7A).contains(next | 0x20)
    }

    /// The maximum length of a character's name between "&" and ";".
    private static let characterNameMax = 8

    /// Returns the character that a reference at "&" means, and the index just past the reference.
    private static func reference(_ bytes: [UInt8], from index: Int) -> (character: String, end: Int)? {
        var end = index + 1
        while end < bytes.count, end <= index + 1 + characterNameMax, bytes[end] != UInt8(ascii: ";") { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: ";"), end - index - 1 <= characterNameMax,
            let character = character(named: String(decoding: bytes[(index + 1)..<end], as: UTF8.self))
        else { return nil }
        return (character, end + 1)
    }

    /// Returns the character of "amp", "#39", or "#x27"; nil if the name is unknown.
    private static func character(named name: String) -> String? {
        if name.hasPrefix("#") {
            let digits = name.dropFirst()
            let isHex = digits.first == "x" || digits.first == "X"
            let value = isHex ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return value.flatMap { Unicode.Scalar($0) }.map { String($0) }
        }
        return characters[name]
    }

    private static let characters = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "mdash": "—", "ndash": "–",
        "hellip": "…", "rsquo": "’", "lsquo": "‘", "rdquo": "”", "ldquo": "“", "eacute": "é",
    ]

    /// Returns the text if it is a web address in printable ASCII.
    package static func address(_ text: String?) -> String? {
        guard let text, text.hasPrefix("https://") || text.hasPrefix("http://"),
            text.utf8.count <= ProviderLimits.addressBytesMax,
            text.utf8.allSatisfy({ isAddressByte($0) })
        else { return nil }
        return text
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"), UInt8(ascii: "^"),
            UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
            false
        default: byte > 0x20 && byte < 0x7F
        }
    }

    /// Returns the minutes if they are above 0 and plausible.
    package static func minutes(_ value: Int?) -> Int? {
        value.flatMap { (1...100_000).contains($0) ? $0 : nil }
    }
}
