/// Base64 text (RFC 4648): the standard alphabet with padding (§4) and the URL alphabet without (§5).
///
/// Decoding is strict: one text per value. White space, missing or superfluous padding and stray low bits are refused.
package enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let standardValues = values(of: standard)
    private static let urlValues = values(of: url)
    private static let padding = UInt8(ascii: "=")

    /// Encodes in the standard alphabet with padding; `padded: false` omits the padding.
    package static func encode(_ bytes: [UInt8], padded: Bool = true) -> String {
        var text = encode(bytes, alphabet: standard)
        if padded {
            while !text.count.isMultiple(of: 4) { text.append(padding) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Encodes in the URL alphabet without padding.
    package static func encodeURL(_ bytes: [UInt8]) -> String {
        String(decoding: encode(bytes, alphabet: url), as: UTF8.self)
    }

    /// Decodes the standard alphabet, with its padding or (`padded: false`) without; nil for anything else.
    package static func decode(_ text: String, padded: Bool = true) -> [UInt8]? {
        var source = Array(text.utf8)
        if padded {
            guard source.count.isMultiple(of: 4) else { return nil }
            var paddingCount = 0
            while paddingCount < 2, source.last == padding {
                source.removeLast()
                paddingCount += 1
            }
        }
        return decode(source, values: standardValues)
    }

    /// Decodes the URL alphabet without padding; nil for anything else.
    package static func decodeURL(_ text: String) -> [UInt8]? { decodeURL(text.utf8) }

    /// Decodes the URL alphabet from the bytes of a text.
    static func decodeURL(_ text: some Collection<UInt8>) -> [UInt8]? { decode(text, values: urlValues) }

    private static func encode(_ bytes: [UInt8], alphabet: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var pending: UInt32 = 0
        var pendingBits = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            pendingBits += 8
            while pendingBits >= 6 {
                pendingBits -= 6
                text.append(alphabet[Int(pending >> UInt32(pendingBits) & 63)])
            }
        }
        if pendingBits > 0 {
            text.append(alphabet[Int(pending << UInt32(6 - pendingBits) & 63)])
        }
        return text
    }

    private static func decode(_ source: some Collection<UInt8>, values: [UInt8]) -> [UInt8]? {
        let count = source.count
        guard count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * 3 / 4)
        var pending: UInt32 = 0
        var pendingBits = 0
        for character in source {
            let value = values[Int(character)]
            guard value < 64 else { return nil }
            pending = pending << 6 | UInt32(value)
            pendingBits += 6
            if pendingBits >= 8 {
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(pendingBits)))
            }
        }
        let strayBits = pending & (1 << UInt32(pendingBits) - 1)
        return strayBits == 0 ? bytes : nil
    }

    private static func values(of alphabet: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }
}
