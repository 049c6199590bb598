/// Parses the fixed fields of RFC 3339 dates and times from bytes.
struct DateScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }

    /// Consumes exactly `count` digits.
    mutating func digits(_ count: Int) -> Int? {
        guard index + count <= bytes.count else { return nil }
        var value = 0
        for position in index..<(index + count) {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int(digit)
        }
        index += count
        return value
    }

    /// Consumes the byte if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    /// Consumes `YYYY-MM-DD`.
    mutating func date() -> CalendarDate? {
        guard let year = digits(4), take(UInt8(ascii: "-")), let month = digits(2), take(UInt8(ascii: "-")),
            let day = digits(2)
        else { return nil }
        return CalendarDate(year: year, month: month, day: day)
    }

    /// Consumes the fractional digits after the point, as microseconds; finer digits are truncated.
    mutating func fraction() -> Int? {
        let start = index
        var value = 0
        var scale = 100_000
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") < 10 {
            value += Int(bytes[index] - UInt8(ascii: "0")) * scale
            scale /= 10
            index += 1
        }
        return index > start ? value : nil
    }

    /// Consumes `Z` or `±hh:mm`, as seconds east of UTC.
    mutating func offset() -> Int? {
        if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
        let isEast = take(UInt8(ascii: "+"))
        guard isEast || take(UInt8(ascii: "-")), let hours = digits(2), hours < 24, take(UInt8(ascii: ":")),
            let minutes = digits(2), minutes < 60
        else { return nil }
        return (isEast ? 1 : -1) * (hours * 3_600 + minutes * 60)
    }

    /// Writes `value`, below 10^`digits`, with `digits` digits (at most 9) at `position`.
    static func write(_ value: Int, digits: Int, to text: UnsafeMutableBufferPointer<UInt8>, at position: Int) {
        var rest = UInt32(truncatingIfNeeded: value)
        var place = position &+ digits
        while place > position {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            place &-= 1
            text[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
    }
}
