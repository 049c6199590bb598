package import JSON

/// A point in time in UTC, to the microsecond, in the years 0 to 9999; the caller supplies the current time.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z, negative before it.
    package let microsecondsSinceEpoch: Int64

    private static let range: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999

    /// Returns nil outside the years 0 to 9999.
    package init?(microsecondsSinceEpoch: Int64) {
        guard Self.range.contains(microsecondsSinceEpoch) else { return nil }
        self.microsecondsSinceEpoch = microsecondsSinceEpoch
    }

    /// Creates the nearest time within the years 0 to 9999.
    package init(clampingMicrosecondsSinceEpoch value: Int64) {
        microsecondsSinceEpoch = min(max(value, Self.range.lowerBound), Self.range.upperBound)
    }

    /// The start of `date` in UTC.
    package init(_ date: CalendarDate) {
        microsecondsSinceEpoch = Int64(date.daysSinceEpoch) * 86_400_000_000
    }

    /// Returns the time `duration` later, clamped to the years 0 to 9999; fractions of a microsecond are truncated.
    package func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let (micros, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, carry) = microsecondsSinceEpoch.addingReportingOverflow(
            micros &+ attoseconds / 1_000_000_000_000)
        if overflow || carry { return Timestamp(clampingMicrosecondsSinceEpoch: seconds < 0 ? .min : .max) }
        return Timestamp(clampingMicrosecondsSinceEpoch: sum)
    }

    /// Returns the duration from this time to `other`; negative if that is earlier.
    package func duration(to other: Timestamp) -> Duration {
        .microseconds(other.microsecondsSinceEpoch - microsecondsSinceEpoch)
    }

    /// The date in UTC.
    package var date: CalendarDate { CalendarDate(clampingDaysSinceEpoch: Int(days)) }

    private var days: Int64 {
        let (quotient, rest) = microsecondsSinceEpoch.quotientAndRemainder(dividingBy: 86_400_000_000)
        return rest < 0 ? quotient - 1 : quotient
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microsecondsSinceEpoch < right.microsecondsSinceEpoch
    }
}

extension Timestamp: LosslessStringConvertible, JSONCodable {
    /// Parses RFC 3339 with any offset; a leap second counts as the first second of the next day.
    package init?(_ description: String) {
        var text = description
        guard let value = text.withUTF8({ Timestamp(utf8: $0) }) else { return nil }
        self = value
    }

    init?(utf8: UnsafeBufferPointer<UInt8>) {
        var scanner = DateScanner(utf8)
        guard let date = scanner.date(), scanner.take(UInt8(ascii: "T")) || scanner.take(UInt8(ascii: "t")),
            let hour = scanner.digits(2), hour < 24, scanner.take(UInt8(ascii: ":")),
            let minute = scanner.digits(2), minute < 60, scanner.take(UInt8(ascii: ":")),
            let second = scanner.digits(2), second <= 60
        else { return nil }
        var micros = 0
        if scanner.take(UInt8(ascii: ".")) {
            guard let fraction = scanner.fraction() else { return nil }
            micros = fraction
        }
        guard let offset = scanner.offset(), scanner.isAtEnd else { return nil }
        let seconds = date.daysSinceEpoch * 86_400 + hour * 3_600 + minute * 60 + second - offset
        // A leap second is always the last of a day in UTC, so the second after it must be midnight.
        if second == 60, seconds % 86_400 != 0 { return nil }
        self.init(microsecondsSinceEpoch: Int64(seconds) * 1_000_000 + Int64(micros))
    }

    /// RFC 3339 in UTC with as many fractional digits as needed: 0, 3 or 6.
    package var description: String {
        String(unsafeUninitializedCapacity: Self.lengthMax) { write(to: $0) }
    }

    /// Bytes of the longest text.
    private static let lengthMax = 27

    /// Writes the text and returns its length.
    private func write(to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let days = days
        let micros = Int(microsecondsSinceEpoch - days * 86_400_000_000)
        date.write(to: text)
        let seconds = micros / 1_000_000
        text[10] = UInt8(ascii: "T")
        DateScanner.write(seconds / 3_600, digits: 2, to: text, at: 11)
        text[13] = UInt8(ascii: ":")
        DateScanner.write(seconds / 60 % 60, digits: 2, to: text, at: 14)
        text[16] = UInt8(ascii: ":")
        DateScanner.write(seconds % 60, digits: 2, to: text, at: 17)
        var length = 19
        let fraction = micros % 1_000_000
        if fraction > 0 {
            text[length] = UInt8(ascii: ".")
            let digits = fraction % 1_000 == 0 ? 3 : 6
            DateScanner.write(digits == 3 ? fraction / 1_000 : fraction, digits: digits, to: text, at: length + 1)
            length += 1 + digits
        }
        text[length] = UInt8(ascii: "Z")
        return length + 1
    }

    package init(from reader: inout JSONReader) throws(JSONError) {
        self = try reader.parseString("is not a date and time (RFC 3339)") { Timestamp(utf8: $0) }
    }

    package func encode(to writer: inout JSONWriter) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.lengthMax) { text in
            let length = write(to: text)
            writer.plainString(UnsafeBufferPointer(rebasing: text[..<length]))
        }
    }
}
