internal import Glibc

/// A wall clock time in UTC, to the millisecond.
package struct WallTime: Sendable, Equatable {
    /// Milliseconds since 1970 in UTC.
    package let unixMilliseconds: Int64

    package init(unixMilliseconds: Int64) {
        self.unixMilliseconds = unixMilliseconds
    }

    /// Reads the system clock.
    package static func now() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(unixMilliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Returns nanoseconds since 1970 in UTC, from the system clock.
    package static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Appends RFC 3339 with three decimals, `2026-01-31T23:59:59.123Z`; years 0 to 9999.
    func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.length) { text in
            write(to: text)
            bytes.append(contentsOf: text)
        }
    }

    /// Bytes of every text.
    private static let length = 24

    private func write(to text: UnsafeMutableBufferPointer<UInt8>) {
        let seconds = Self.floorDivide(unixMilliseconds, 1000)
        let day = Self.floorDivide(seconds, 86_400)
        let secondOfDay = seconds - day * 86_400
        let date = Self.date(daysSince1970: day)
        Self.write(date.year, digits: 4, to: text, at: 0)
        text[4] = UInt8(ascii: "-")
        Self.write(date.month, digits: 2, to: text, at: 5)
        text[7] = UInt8(ascii: "-")
        Self.write(date.day, digits: 2, to: text, at: 8)
        text[10] = UInt8(ascii: "T")
        Self.write(secondOfDay / 3600, digits: 2, to: text, at: 11)
        text[13] = UInt8(ascii: ":")
        Self.write(secondOfDay / 60 % 60, digits: 2, to: text, at: 14)
        text[16] = UInt8(ascii: ":")
        Self.write(secondOfDay % 60, digits: 2, to: text, at: 17)
        text[19] = UInt8(ascii: ".")
        Self.write(unixMilliseconds - seconds * 1000, digits: 3, to: text, at: 20)
        text[23] = UInt8(ascii: "Z")
    }

    /// The proleptic Gregorian date of a day, computed by eras of 400 years that start on 1 March.
    private static func date(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = daysSince1970 + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func write(
        _ value: Int64, digits: Int, to text: UnsafeMutableBufferPointer<UInt8>, at position: Int
    ) {
        var rest = value
        for place in (position..<position + digits).reversed() {
            text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}
