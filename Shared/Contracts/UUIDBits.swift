/// The 128 bits of a UUID (RFC 9562), of any version.
package struct UUIDBits: Sendable, Hashable, Comparable {
    /// The first and last eight bytes, most significant first.
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads exactly 16 bytes, most significant first.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.init(
            high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// Reads 36 characters, hexadecimal digits in either case.
    package init?(_ text: String) {
        var text = text
        guard let bits = text.withUTF8({ UUIDBits(utf8: $0) }) else { return nil }
        self = bits
    }

    init?(utf8: UnsafeBufferPointer<UInt8>) {
        guard utf8.count == 36 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for index in 0..<36 {
            let byte = utf8[index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte &- UInt8(ascii: "A") &+ 10
            default: return nil
            }
            if digits < 16 { words.0 = words.0 << 4 | UInt64(digit) } else { words.1 = words.1 << 4 | UInt64(digit) }
            digits &+= 1
        }
        (high, low) = words
    }

    /// The 16 bytes, most significant first.
    package var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - $0 % 8 * 8)) }
    }

    package static func < (left: UUIDBits, right: UUIDBits) -> Bool { (left.high, left.low) < (right.high, right.low) }

    /// Writes the 36 lower-case characters to the start of `text`, which has room for them.
    func write(to text: UnsafeMutableBufferPointer<UInt8>) {
        var position = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                text[position] = UInt8(ascii: "-")
                position &+= 1
            }
            let word = index < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word &>> UInt64(60 &- (index & 15) &* 4)) & 15
            text[position] = digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &- 10 &+ digit
            position &+= 1
        }
    }
}

extension UUIDBits: CustomStringConvertible {
    /// The 36 characters in lower case.
    package var description: String {
        String(unsafeUninitializedCapacity: 36) { text in
            write(to: text)
            return 36
        }
    }
}
