/// A calendar date whose day, or day and month, may be unknown.
package struct PartialDate: Sendable, Hashable, Comparable {
    /// 1850 … 2200.
    package let year: Int
    /// 1 … 12.
    package let month: Int?
    /// 1 … 31, only beside a month.
    package let day: Int?

    /// Nil for a date that does not exist.
    package init?(year: Int, month: Int? = nil, day: Int? = nil) {
        guard (1850...2200).contains(year) else { return nil }
        if let month, !(1...12).contains(month) { return nil }
        if let day {
            guard let month, day >= 1, day <= Self.dayCount(year: year, month: month) else { return nil }
        }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Parses "2017-10-23", "2017-10", or "2017", and the day of "2017-10-23T01:00:00Z"; nil for anything else.
    package init?(iso text: String) {
        var numbers = [0, 0, 0]
        var place = 0
        var width = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "T") { break }
            if byte == UInt8(ascii: "-") {
                guard width == (place == 0 ? 4 : 2), place < 2 else { return nil }
                place += 1
                width = 0
                continue
            }
            guard (0x30...0x39).contains(byte), width < 4 else { return nil }
            numbers[place] = numbers[place] * 10 + Int(byte - 0x30)
            width += 1
        }
        guard width == (place == 0 ? 4 : 2) else { return nil }
        self.init(year: numbers[0], month: place > 0 ? numbers[1] : nil, day: place > 1 ? numbers[2] : nil)
    }

    package static func < (left: PartialDate, right: PartialDate) -> Bool {
        (left.year, left.month ?? 0, left.day ?? 0) < (right.year, right.month ?? 0, right.day ?? 0)
    }

    /// "2017-10-23", "2017-10", or "2017".
    package var iso: String {
        ([String(year)] + [month, day].compactMap { $0 }.map { $0 < 10 ? "0\($0)" : "\($0)" }).joined(separator: "-")
    }

    private static func dayCount(year: Int, month: Int) -> Int {
        switch month {
        case 2: (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
