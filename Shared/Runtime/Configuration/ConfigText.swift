/// Parses the texts of settings; pure, strict, independent of the locale.
enum ConfigText {
    /// Decimal digits with an optional minus; nil outside the bounds.
    static func integer(_ text: String, in bounds: ClosedRange<Int>) -> Int? {
        guard !text.hasPrefix("+"), let value = Int(text), bounds.contains(value) else { return nil }
        return value
    }

    /// Seconds with up to three decimals: "2", "0.25".
    static func duration(_ text: String) -> Duration? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = digits(parts[0], countMax: 9) else { return nil }
        guard parts.count == 2 else { return .seconds(whole) }
        guard let fraction = digits(parts[1], countMax: 3) else { return nil }
        let scale = [1: 100, 2: 10, 3: 1][parts[1].utf8.count] ?? 1
        return .seconds(whole) + .milliseconds(fraction * scale)
    }

    /// Returns the text of a duration in seconds, as parsed by `duration`.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return String(seconds) }
        var fraction = String(1000 + milliseconds).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(seconds).\(fraction)"
    }

    /// Whether the text is an http or https URL of only a host, a port and a path.
    static func isURL(_ text: String) -> Bool {
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { return false }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        let isPlain = rest.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPlain, !rest.contains(where: { "@?#\\\"<>".contains($0) }) else { return false }
        return isAddress(String(authority)) || isHost(authority)
    }

    /// Whether the text is `host:port` with a port from 1 to 65535; IPv6 in brackets.
    static func isAddress(_ text: String) -> Bool {
        guard let colon = text.lastIndex(of: ":") else { return false }
        let port = String(text[text.index(after: colon)...])
        return isHost(text[..<colon]) && digits(port[...], countMax: 5) != nil && integer(port, in: 1...65_535) != nil
    }

    static func trimmed(_ text: Substring) -> String {
        var rest = text
        while let first = rest.unicodeScalars.first, isSpace(first) {
            rest = Substring(rest.unicodeScalars.dropFirst())
        }
        while let last = rest.unicodeScalars.last, isSpace(last) { rest = Substring(rest.unicodeScalars.dropLast()) }
        return String(rest)
    }

    /// Returns a value as it may be shown: short, on one line.
    static func shown(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONLine.append(text, to: &bytes, bytesMax: 80)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isHost(_ text: Substring) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = text.dropFirst().dropLast()
            return inner.contains(":") && inner.utf8.allSatisfy { isHexDigit($0) || $0 == 0x3A || $0 == 0x2E }
        }
        return (1...253).contains(text.utf8.count)
            && text.utf8.allSatisfy { isHexDigit($0) || (0x67...0x7A).contains($0 | 0x20) || "-._".utf8.contains($0) }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\n"
    }

    private static func digits(_ text: Substring, countMax: Int) -> Int? {
        guard (1...countMax).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
