/// A 128-bit identifier, Postgres' `uuid`, in network byte order.
package struct PGUUID: Sendable, Hashable, Comparable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses the 8-4-4-4-12 form in either case; nil for anything else.
    package init?(_ text: some StringProtocol) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var index = 0
        var digits = 0
        for byte in text.utf8 {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard let nibble = Self.nibble(byte) else { return nil }
                if digits < 16 { high = high << 4 | nibble } else { low = low << 4 | nibble }
                digits += 1
            }
            index += 1
            if index > 36 { return nil }
        }
        guard index == 36 else { return nil }
        self.init(high: high, low: low)
    }

    package static func < (left: PGUUID, right: PGUUID) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }

    private static func nibble(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

extension PGUUID: CustomStringConvertible {
    /// The lowercase 8-4-4-4-12 form.
    package var description: String {
        unsafe String(unsafeUninitializedCapacity: 36) { (buffer: UnsafeMutableBufferPointer<UInt8>) in
            let digits: StaticString = "0123456789abcdef"
            var index = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    unsafe buffer[index] = UInt8(ascii: "-")
                    index += 1
                }
                let word = digit < 16 ? high : low
                let nibble = Int(word >> UInt64(60 - 4 * (digit & 15)) & 15)
                unsafe buffer[index] = unsafe digits.utf8Start[nibble]
                index += 1
            }
            return 36
        }
    }
}

/// A point in time, Postgres' `timestamptz`.
package struct PGTimestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01 00:00:00 UTC; Postgres supports 4713 BC to 294276 AD.
    package let microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    package static func < (left: PGTimestamp, right: PGTimestamp) -> Bool { left.microseconds < right.microseconds }

    /// Postgres counts from 2000-01-01.
    static let epochMicroseconds: Int64 = 946_684_800_000_000
}

/// A calendar day, Postgres' `date`.
package struct PGDate: Sendable, Hashable, Comparable {
    /// Days since 1970-01-01.
    package let days: Int32

    package init(days: Int32) { self.days = days }

    /// A day of the proleptic Gregorian calendar; nil if it does not exist. Years −4712…9999.
    package init?(year: Int, month: Int, day: Int) {
        guard (-4712...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.init(days: Int32(era * 146_097 + dayOfEra - 719_468))
        let back = components
        guard back.year == year, back.month == month, back.day == day else { return nil }
    }

    package var components: (year: Int, month: Int, day: Int) {
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
        return (year, month < 10 ? month + 3 : month - 9, day)
    }

    package static func < (left: PGDate, right: PGDate) -> Bool { left.days < right.days }

    /// Postgres counts from 2000-01-01.
    static let epochDays: Int32 = 10_957
}

/// An exact decimal with one fractional digit, for `numeric(n, 1)`.
package struct PGTenths: Sendable, Hashable, Comparable {
    /// The value in tenths: 8.5 is 85.
    package let tenths: Int

    package init(tenths: Int) { self.tenths = tenths }

    package static func < (left: PGTenths, right: PGTenths) -> Bool { left.tenths < right.tenths }
}

/// The unparsed JSON text of a `json` or `jsonb` column.
package struct PGJSON: Sendable, Hashable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }
}
