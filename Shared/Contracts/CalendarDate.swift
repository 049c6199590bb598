package import JSON

/// A day of the Gregorian calendar, without a time zone, in the years 0 to 9999.
package struct CalendarDate: Sendable, Hashable, Comparable {
    package let year: Int
    /// 1 to 12.
    package let month: Int
    /// 1 to 31.
    package let day: Int

    /// Returns nil if there is no such day.
    package init?(year: Int, month: Int, day: Int) {
        guard (0...9_999).contains(year), (1...12).contains(month), day >= 1, day <= Self.length(of: month, in: year)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Creates the day `daysSinceEpoch` days after 1970-01-01; nil outside the years 0 to 9999.
    package init?(daysSinceEpoch days: Int) {
        guard Self.days.contains(days) else { return nil }
        self.init(clampingDaysSinceEpoch: days)
    }

    private static let days = -719_528...2_932_896

    /// Creates the nearest day within the years 0 to 9999.
    init(clampingDaysSinceEpoch: Int) {
        let days = min(max(clampingDaysSinceEpoch, Self.days.lowerBound), Self.days.upperBound)
        // Years that start in March put the leap day last; 400 of them have 146 097 days.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01, negative before it.
    package var daysSinceEpoch: Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func length(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    package static func < (left: CalendarDate, right: CalendarDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }
}

extension CalendarDate: LosslessStringConvertible, JSONCodable {
    /// Parses `YYYY-MM-DD`.
    package init?(_ description: String) {
        var text = description
        guard let date = text.withUTF8({ CalendarDate(utf8: $0) }) else { return nil }
        self = date
    }

    init?(utf8: UnsafeBufferPointer<UInt8>) {
        var scanner = DateScanner(utf8)
        guard let date = scanner.date(), scanner.isAtEnd else { return nil }
        self = date
    }

    /// `YYYY-MM-DD`.
    package var description: String {
        String(unsafeUninitializedCapacity: 10) { text in
            write(to: text)
            return 10
        }
    }

    func write(to text: UnsafeMutableBufferPointer<UInt8>) {
        DateScanner.write(year, digits: 4, to: text, at: 0)
        text[4] = UInt8(ascii: "-")
        DateScanner.write(month, digits: 2, to: text, at: 5)
        text[7] = UInt8(ascii: "-")
        DateScanner.write(day, digits: 2, to: text, at: 8)
    }

    package init(from reader: inout JSONReader) throws(JSONError) {
        self = try reader.parseString("is not a date (YYYY-MM-DD)") { CalendarDate(utf8: $0) }
    }

    package func encode(to writer: inout JSONWriter) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 10) { text in
            write(to: text)
            writer.plainString(UnsafeBufferPointer(text))
        }
    }
}
