import Contracts
import Testing

/// Ids are parsed and formatted eight characters at a time; each position must accept what it accepted one by one.
@Suite struct UUIDTests {
    private static let text = "01234567-89ab-cdef-fedc-ba9876543210"
    private static let dashes: Set<Int> = [8, 13, 18, 23]

    @Test func everyDigitHasItsPlace() {
        let bits = UUIDBits(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        #expect(UUIDBits(Self.text) == bits)
        #expect(UUIDBits(Self.text.uppercased()) == bits)
        #expect(bits.description == Self.text)
        for (high, low) in [(UInt64.min, UInt64.max), (.max, .min)] {
            let bits = UUIDBits(high: high, low: low)
            #expect(UUIDBits(bits.description) == bits)
        }
        for shift in UInt64(0)..<64 {
            let bits = UUIDBits(high: 1 << shift, low: 0x8000_0000_0000_0000 >> shift)
            #expect(UUIDBits(bits.description) == bits)
        }
    }

    @Test func everyOtherCharacterIsRefusedInEveryPlace() {
        for place in 0..<36 {
            for byte in UInt8(0)..<128 {
                var bytes = Array(Self.text.utf8)
                bytes[place] = byte
                let character = Character(Unicode.Scalar(byte))
                let isTaken = Self.dashes.contains(place) ? character == "-" : character.isHexDigit
                #expect((UUIDBits(String(decoding: bytes, as: UTF8.self)) != nil) == isTaken, "\(place) \(byte)")
            }
        }
    }

    @Test func whatIsLongerShorterOrNotASCIIIsRefused() {
        let digits = Self.text.filter { $0 != "-" }
        let others: [String] = [
            "", digits, String(Self.text.dropLast()), Self.text + "0", "{\(digits)}", "\(digits)0123",
            // The same number of bytes, but two of them form one character.
            "é\(Self.text.dropFirst(2))", "\(Self.text.dropLast(2))é", "012345é-89ab-cdef-fedc-ba9876543210",
        ]
        for text in others { #expect(UUIDBits(text) == nil, "\(text)") }
    }
}
