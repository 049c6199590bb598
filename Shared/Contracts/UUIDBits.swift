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

    /// Parses 36 characters, with hexadecimal digits in either case.
    package init?(_ text: String) {
        var text = text
        guard let bits = text.withUTF8({ UUIDBits(utf8: $0) }) else { return nil }
        self = bits
    }

    init?(utf8: UnsafeBufferPointer<UInt8>) {
        let dash = UInt8(ascii: "-")
        guard utf8.count == 36, let start = utf8.baseAddress, utf8[8] == dash, utf8[13] == dash, utf8[18] == dash,
            utf8[23] == dash
        else { return nil }
        let text = UnsafeRawPointer(start)
        guard let first = Self.digits(text, 0, 4), let second = Self.digits(text, 9, 14),
            let third = Self.digits(text, 19, 24), let fourth = Self.digits(text, 28, 32)
        else { return nil }
        high = UInt64(first) << 32 | UInt64(second)
        low = UInt64(third) << 32 | UInt64(fourth)
    }

    /// A 1 in each byte, to process eight characters at once.
    private static let ones: UInt64 = 0x0101_0101_0101_0101

    /// Parses four hexadecimal digits at `left` and four at `right`.
    @inline(__always)
    private static func digits(_ text: UnsafeRawPointer, _ left: Int, _ right: Int) -> UInt32? {
        let head = UInt32(bigEndian: text.loadUnaligned(fromByteOffset: left, as: UInt32.self))
        let tail = UInt32(bigEndian: text.loadUnaligned(fromByteOffset: right, as: UInt32.self))
        let word = UInt64(head) << 32 | UInt64(tail)
        let lower = word | (ones &* 0x20)
        let highs = ones << 7
        // Below 0x80 no sum carries into the next byte, and its high bit tells whether the bound is reached.
        let isDigit = (word &+ (ones &* (0x80 - 0x30))) & ~(word &+ (ones &* (0x80 - 0x3A)))
        let isLetter = (lower &+ (ones &* (0x80 - 0x61))) & ~(lower &+ (ones &* (0x80 - 0x67))) & highs
        guard word & highs == 0, (isDigit | isLetter) & highs == highs else { return nil }
        var value = (word & (ones &* 0x0F)) &+ ((isLetter >> 7) &* 9)
        value = (value | (value >> 4)) & 0x00FF_00FF_00FF_00FF
        value = (value | (value >> 8)) & 0x0000_FFFF_0000_FFFF
        return UInt32(truncatingIfNeeded: value | (value >> 16))
    }

    /// The 16 bytes, most significant first.
    package var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - $0 % 8 * 8)) }
    }

    package static func < (left: UUIDBits, right: UUIDBits) -> Bool { (left.high, left.low) < (right.high, right.low) }

    /// Writes the 36 lowercase characters to the start of `text`, which must have room for them.
    func write(to text: UnsafeMutableBufferPointer<UInt8>) {
        let dash = UInt8(ascii: "-")
        (text[8], text[13], text[18], text[23]) = (dash, dash, dash, dash)
        guard let start = text.baseAddress, text.count >= 36 else { return }
        let bytes = UnsafeMutableRawPointer(start)
        Self.write(high >> 32, to: bytes, 0, 4)
        Self.write(high & 0xFFFF_FFFF, to: bytes, 9, 14)
        Self.write(low >> 32, to: bytes, 19, 24)
        Self.write(low & 0xFFFF_FFFF, to: bytes, 28, 32)
    }

    /// Writes the first four digits of 32 bits at `left` and the others at `right`.
    @inline(__always)
    private static func write(_ value: UInt64, to text: UnsafeMutableRawPointer, _ left: Int, _ right: Int) {
        var digits = (value | (value << 16)) & 0x0000_FFFF_0000_FFFF
        digits = (digits | (digits << 8)) & 0x00FF_00FF_00FF_00FF
        digits = (digits | (digits << 4)) & (ones &* 0x0F)
        // 10 and above become letters, 39 code points after where the digits would continue.
        let letters = ((digits &+ (ones &* 6)) >> 4) & ones
        digits = digits &+ (ones &* 0x30) &+ (letters &* 39)
        text.storeBytes(of: UInt32(truncatingIfNeeded: digits >> 32).bigEndian, toByteOffset: left, as: UInt32.self)
        text.storeBytes(of: UInt32(truncatingIfNeeded: digits).bigEndian, toByteOffset: right, as: UInt32.self)
    }
}

extension UUIDBits: CustomStringConvertible {
    /// The 36 characters in lowercase.
    package var description: String {
        String(unsafeUninitializedCapacity: 36) { text in
            write(to: text)
            return 36
        }
    }
}
