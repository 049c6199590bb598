/// Writes JSON texts that stay on one line and cannot control a terminal.
enum JSONLine {
    private static let hexDigits = Array("0123456789abcdef".utf8)

    /// Appends a quoted string. Besides what RFC 8259 §7 requires, control characters (C0, DEL, C1), line and paragraph
    /// separators and marks that change the direction of text are escaped. A text whose written form exceeds `bytesMax`
    /// is truncated and ends in "…".
    static func append(_ text: String, to bytes: inout [UInt8], bytesMax: Int = Int.max) {
        bytes.append(UInt8(ascii: "\""))
        var copy = text
        let isWritten = copy.withUTF8 { utf8 in
            guard utf8.count <= bytesMax, utf8.allSatisfy(isPlain) else { return false }
            bytes.append(contentsOf: utf8)
            bytes.append(UInt8(ascii: "\""))
            return true
        }
        if isWritten { return }
        let start = bytes.count
        for scalar in text.unicodeScalars {
            if bytes.count - start >= bytesMax {
                bytes.append(contentsOf: "…".utf8)
                break
            }
            switch scalar.value {
            case 0x22, 0x5C:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(scalar.value))
            case 0x0A:
                bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0x20..<0x7F:
                bytes.append(UInt8(scalar.value))
            case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
                appendEscape(scalar.value, to: &bytes)
            default:
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends `"name":`, preceded by a comma unless it begins an object.
    static func appendName(_ name: String, to bytes: inout [UInt8]) {
        if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
        append(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    /// Whether a byte of a text is written as it is and is not part of a multibyte character.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func appendEscape(_ value: UInt32, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "u")])
        for shift: UInt32 in [12, 8, 4, 0] { bytes.append(hexDigits[Int(value >> shift & 15)]) }
    }
}
