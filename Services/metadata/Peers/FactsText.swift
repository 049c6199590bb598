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
