// The header formats of W3C Trace Context level 1, parsed strictly: an invalid header starts a new trace.

extension TraceContext {
    private static let parentLength = 55
    /// The least that the recommendation asks everyone to propagate; a longer list is dropped (section 3.3.1.5).
    private static let stateBytesMax = 512
    /// Members of a list; the recommendation's own limit.
    private static let stateMembersMax = 32

    /// Creates the context of a `traceparent` and the joined `tracestate` headers; nil if the former is invalid
    /// (section 3.2). An invalid list is dropped alone.
    package init?(traceparent: String, tracestate: String? = nil) {
        var text = traceparent
        guard let fields = text.withUTF8(Self.parseParent) else { return nil }
        self.init(
            traceIDHigh: fields.high, traceIDLow: fields.low, spanID: fields.span, flags: fields.flags,
            state: tracestate.flatMap { Self.isValidState($0) ? $0 : nil } ?? "")
    }

    /// The header that makes this span the parent in the next service.
    package var traceparent: String {
        String(unsafeUninitializedCapacity: Self.parentLength) { text in
            text[0] = UInt8(ascii: "0")
            text[1] = UInt8(ascii: "0")
            text[2] = UInt8(ascii: "-")
            writeHex(traceIDHigh, digits: 16, to: text, at: 3)
            writeHex(traceIDLow, digits: 16, to: text, at: 19)
            text[35] = UInt8(ascii: "-")
            writeHex(spanID, digits: 16, to: text, at: 36)
            text[52] = UInt8(ascii: "-")
            writeHex(UInt64(flags), digits: 2, to: text, at: 53)
            return Self.parentLength
        }
    }

    private struct Parent {
        var high: UInt64
        var low: UInt64
        var span: UInt64
        var flags: UInt8
    }

    private static func parseParent(_ text: UnsafeBufferPointer<UInt8>) -> Parent? {
        let dash = UInt8(ascii: "-")
        guard text.count >= parentLength, text[2] == dash, text[35] == dash, text[52] == dash,
            let version = readHex(text, 0..<2), version != 0xff,
            let high = readHex(text, 3..<19), let low = readHex(text, 19..<35), high | low != 0,
            let span = readHex(text, 36..<52), span != 0,
            let flags = readHex(text, 53..<55)
        else { return nil }
        // Version 00 ends here; a later one may continue after another dash (section 4.3).
        let endsWell = text.count == parentLength || (version != 0 && text[parentLength] == dash)
        // Only bit 0 of the flags is known; the others must not be passed on (section 3.2.2.5).
        return endsWell ? Parent(high: high, low: low, span: span, flags: UInt8(flags & 1)) : nil
    }

    private static func isValidState(_ text: String) -> Bool {
        guard text.utf8.count <= stateBytesMax else { return false }
        var keys = Set<Substring>()
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            let member = part.drop { $0 == " " || $0 == "\t" }
            if member.isEmpty { continue }
            guard let equals = member.firstIndex(of: "="), keys.count < stateMembersMax,
                isValidKey(member[..<equals]), keys.insert(member[..<equals]).inserted,
                isValidValue(member[member.index(after: equals)...])
            else { return false }
        }
        return !keys.isEmpty
    }

    private static func isValidKey(_ key: Substring) -> Bool {
        let parts = key.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = key.utf8.first, isLowerOrDigit(first) else { return false }
        if parts.count == 1 { return key.utf8.count <= 256 && isLower(first) && key.utf8.allSatisfy(isKeyByte) }
        guard let system = parts[1].utf8.first, isLower(system) else { return false }
        return parts[0].utf8.count <= 241 && parts[1].utf8.count <= 14
            && parts[0].utf8.allSatisfy(isKeyByte) && parts[1].utf8.allSatisfy(isKeyByte)
    }

    private static func isValidValue(_ value: Substring) -> Bool {
        // Whitespace before the next comma belongs to the list, not to the value.
        let bytes = value.utf8.reversed().drop { $0 == 0x20 || $0 == 0x09 }
        return (1...256).contains(bytes.count) && bytes.allSatisfy { (0x20...0x7e).contains($0) && $0 != 0x3d }
    }

    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) }
    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { isLower(byte) || (0x30...0x39).contains(byte) }
    private static func isKeyByte(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || byte == 0x5f || byte == 0x2d || byte == 0x2a || byte == 0x2f
    }
}

/// Writes the last `digits` hexadecimal digits of `value` in lower case at `offset`.
func writeHex(_ value: UInt64, digits: Int, to text: UnsafeMutableBufferPointer<UInt8>, at offset: Int) {
    var rest = value
    for index in stride(from: offset + digits - 1, through: offset, by: -1) {
        let digit = UInt8(truncatingIfNeeded: rest & 15)
        text[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
        rest >>= 4
    }
}

/// Parses at most 16 lower-case hexadecimal digits; returns nil for any other byte.
private func readHex(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> UInt64? {
    var value: UInt64 = 0
    for index in range {
        switch text[index] {
        case let byte where (0x30...0x39).contains(byte): value = value << 4 | UInt64(byte - 0x30)
        case let byte where (0x61...0x66).contains(byte): value = value << 4 | UInt64(byte - 0x57)
        default: return nil
        }
    }
    return value
}
