package import JSON

extension JSONReader {
    /// Reads an absolute URI (RFC 3986: a scheme, then characters allowed in a URI) of `min` to `max` characters.
    package mutating func uri(min: Int = 1, max: Int = .max) throws(JSONError) -> String {
        let offset = valueOffset()
        var text = try string(min: min, max: max)
        guard text.withUTF8({ Self.isURI($0) }) else { throw fail(at: offset, "is not a URI") }
        return text
    }

    private static func isURI(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, colon + 1 < bytes.count,
            isLetter(bytes[0])
        else { return false }
        for byte in bytes[..<colon] where !isLetter(byte) && !isDigit(byte) && !"+-.".utf8.contains(byte) {
            return false
        }
        var index = colon + 1
        while index < bytes.count {
            if mayFollow(bytes[index]) {
                index &+= 1
                continue
            }
            guard bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, isHex(bytes[index + 1]),
                isHex(bytes[index + 2])
            else { return false }
            index += 3
        }
        return true
    }

    /// Unreserved and reserved characters: letters, digits, -._~:/?#[]@!$&'()*+,;= as one bit each.
    private static func mayFollow(_ byte: UInt8) -> Bool {
        let low: UInt64 = 0xAFFF_FFDA_0000_0000
        let high: UInt64 = 0x47FF_FFFE_AFFF_FFFF
        return byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isHex(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}
