/// Cleans the texts of a payload before they become facts.
package enum FactsText {
    /// The text without white space around it and without control characters, cut to a length; nil if nothing is left.
    package static func clean(_ text: String?, charactersMax: Int) -> String? {
        guard let text else { return nil }
        let kept = text.unicodeScalars.filter { $0.properties.generalCategory != .control || $0 == "\n" }
        var result = String(String.UnicodeScalarView(kept))[...]
        while result.first?.isWhitespace == true { result.removeFirst() }
        result = result.prefix(charactersMax)
        while result.last?.isWhitespace == true { result.removeLast() }
        return result.isEmpty ? nil : String(result)
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

    /// Cleaned names without doubles, in their order.
    package static func genres(_ names: some Sequence<String>) -> [String] {
        var seen: Set<String> = []
        return Array(
            names.lazy.compactMap { clean($0, charactersMax: ProviderLimits.genreCharactersMax) }
                .filter { seen.insert($0).inserted }.prefix(ProviderLimits.genresMax))
    }

    /// Cleaned names that differ from each other and from `others`, in their order.
    package static func names(_ names: some Sequence<String?>, besides others: [String?]) -> [String] {
        var seen = Set(others.compactMap { $0 })
        return Array(
            names.lazy.compactMap { name($0) }.filter { seen.insert($0).inserted }
                .prefix(ProviderLimits.otherNamesMax))
    }

    /// The text of a piece of HTML: without tags, with line breaks and characters in place of their names.
    package static func plain(_ html: String?) -> String? {
        guard let html, html.utf8.contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "&") }) else {
            return html
        }
        var result = ""
        var rest = html[...]
        while let mark = rest.firstIndex(of: "<") {
            result += rest[..<mark]
            guard let end = rest[mark...].firstIndex(of: ">") else {
                rest = ""
                break
            }
            let tag = rest[rest.index(after: mark)..<end].lowercased()
            if ["br", "/p", "/li", "/div"].contains(where: { tag.hasPrefix($0) }), !result.hasSuffix("\n") {
                result += "\n"
            }
            rest = rest[rest.index(after: end)...]
        }
        return withoutReferences(result + rest)
    }

    /// The text with characters in place of references such as "&amp;" and "&#39;"; what is no reference stays as it is.
    package static func withoutReferences(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let mark = rest.firstIndex(of: "&") {
            result += rest[..<mark]
            rest = rest[rest.index(after: mark)...]
            let name = rest.prefix(characterNameMax).prefix { $0 != ";" }
            if name.endIndex < rest.endIndex, rest[name.endIndex] == ";", let character = character(named: name) {
                result += character
                rest = rest[rest.index(after: name.endIndex)...]
            } else {
                result += "&"
            }
        }
        return result + rest
    }

    /// Longest name of a character that is looked for between "&" and ";".
    private static let characterNameMax = 8

    /// The character of "amp", "#39" or "#x27"; nil for a name that is not known.
    private static func character(named name: Substring) -> String? {
        if name.hasPrefix("#") {
            let digits = name.dropFirst()
            let isHex = digits.first == "x" || digits.first == "X"
            let value = isHex ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return value.flatMap { Unicode.Scalar($0) }.map { String($0) }
        }
        let named = [
            "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "mdash": "—", "ndash": "–",
            "hellip": "…", "rsquo": "’", "lsquo": "‘", "rdquo": "”", "ldquo": "“", "eacute": "é",
        ]
        return named[String(name)]
    }

    /// The text where it is a web address in printable ASCII.
    package static func address(_ text: String?) -> String? {
        guard let text, text.hasPrefix("https://") || text.hasPrefix("http://"),
            text.utf8.count <= ProviderLimits.addressBytesMax,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"\"<>\\^`{|}".utf8.contains($0) })
        else { return nil }
        return text
    }

    /// Above 0 and believable.
    package static func minutes(_ value: Int?) -> Int? {
        value.flatMap { (1...100_000).contains($0) ? $0 : nil }
    }
}
