/// A number exactly as a provider wrote it, to six decimals, so that 8.7 × 10 is 87 and not 86.99999999999999.
package struct NativeFigure: Sendable, Hashable, Comparable {
    /// The value in millionths.
    package let millionths: Int64

    static let one: Int64 = 1_000_000
    private static let decimalsKept = 6
    /// The most bytes of a figure as a provider writes it.
    private static let textBytesMax = 64

    package init(millionths: Int64) { self.millionths = millionths }

    /// Parses decimal text such as "8.436", "-1", or "7.5e1"; nil for anything else and for values out of range (beyond
    /// ± 9 × 10¹²). Decimals after the sixth are rounded half away from zero.
    package init?(_ text: some StringProtocol) {
        if let simple = Self.simple(text) {
            millionths = simple
            return
        }
        var bytes = Array(text.utf8)[...]
        guard bytes.count <= Self.textBytesMax else { return nil }
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative { bytes.removeFirst() }
        guard let parts = DecimalParts(&bytes), bytes.isEmpty else { return nil }
        guard let magnitude = parts.value(exponent: Self.decimalsKept) else { return nil }
        millionths = isNegative ? -magnitude : magnitude
    }

    /// Parses a figure of up to twelve digits, up to six of them decimals, as nearly all are; nil for anything else.
    private static func simple(_ text: some StringProtocol) -> Int64? {
        var value: Int64 = 0
        var digits = 0
        var decimals: Int?
        for byte in text.utf8 {
            if byte == UInt8(ascii: "."), decimals == nil, digits > 0 {
                decimals = 0
                continue
            }
            guard (0x30...0x39).contains(byte), digits < 12 else { return nil }
            value = value * 10 + Int64(byte - 0x30)
            digits += 1
            if let count = decimals {
                guard count < decimalsKept else { return nil }
                decimals = count + 1
            }
        }
        guard digits > 0, decimals != 0 else { return nil }
        for _ in (decimals ?? 0)..<decimalsKept { value *= 10 }
        return value
    }

    package static func < (left: NativeFigure, right: NativeFigure) -> Bool { left.millionths < right.millionths }

    /// Returns millionths × `factor` ÷ `divisor`, rounded half away from zero and clamped to Int64.
    func scaled(by factor: Int64, over divisor: Int64) -> Int64 {
        let product = Int128(millionths) * Int128(factor)
        let half = Int128(divisor) / 2
        let rounded = (product < 0 ? product - half : product + half) / Int128(divisor)
        return Int64(clamping: rounded)
    }

    /// Returns the value with a fixed number of decimals (0 to 6), rounded half away from zero.
    package func description(decimals: Int) -> String {
        var step: Int64 = 1
        for _ in decimals..<Self.decimalsKept { step *= 10 }
        let units = scaled(by: 1, over: step)
        let isNegative = units < 0
        var digits = String(units.magnitude)
        while digits.utf8.count <= decimals { digits = "0" + digits }
        if decimals > 0 { digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals)) }
        return isNegative ? "-" + digits : digits
    }
}

/// The digits of a decimal text, without its sign.
private struct DecimalParts {
    private var digits: [UInt8] = []
    /// The power of ten of the last digit.
    private var power = 0

    /// Consumes the digits, the fraction, and the exponent at the front of `bytes`; nil without a digit.
    init?(_ bytes: inout ArraySlice<UInt8>) {
        takeDigits(&bytes)
        guard !digits.isEmpty else { return nil }
        if bytes.first == UInt8(ascii: ".") {
            bytes.removeFirst()
            let before = digits.count
            takeDigits(&bytes)
            power = before - digits.count
            guard power < 0 else { return nil }
        }
        guard let mark = bytes.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return }
        bytes.removeFirst()
        guard let exponent = Self.exponent(&bytes) else { return nil }
        power += exponent
    }

    private mutating func takeDigits(_ bytes: inout ArraySlice<UInt8>) {
        while let byte = bytes.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            digits.append(byte - UInt8(ascii: "0"))
            bytes.removeFirst()
        }
    }

    private static func exponent(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        guard let value = Int(String(decoding: bytes, as: UTF8.self)), abs(value) <= 100 else { return nil }
        bytes.removeAll()
        return value
    }

    /// Returns the digits as a whole number of 10^−`exponent`; nil if it does not fit.
    func value(exponent: Int) -> Int64? {
        var shift = power + exponent
        var kept = digits[...]
        var roundsUp = false
        if shift < 0 {
            let dropped = min(-shift, kept.count)
            roundsUp = -shift <= kept.count && kept[kept.endIndex - dropped] >= 5
            kept = kept.dropLast(dropped)
            shift = 0
        }
        var value: Int64 = 0
        for digit in kept + ArraySlice(repeating: 0, count: shift) {
            let (tens, tooLong) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge) = tens.addingReportingOverflow(Int64(digit))
            guard !tooLong, !tooLarge else { return nil }
            value = sum
        }
        let (result, overflows) = value.addingReportingOverflow(roundsUp ? 1 : 0)
        return overflows ? nil : result
    }
}
