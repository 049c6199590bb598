/// A calendar date of which the day, or the day and the month, may be unknown.
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

    /// Reads "2017-10-23", "2017-10" or "2017", and the day of "2017-10-23T01:00:00Z"; nil for anything else.
    package init?(iso text: String) {
        let date = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        let parts = date.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count) else { return nil }
        var numbers: [Int] = []
        for (part, width) in zip(parts, [4, 2, 2]) {
            guard part.utf8.count == width, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(part)
            else { return nil }
            numbers.append(number)
        }
        self.init(
            year: numbers[0], month: numbers.count > 1 ? numbers[1] : nil, day: numbers.count > 2 ? numbers[2] : nil)
    }

    package static func < (left: PartialDate, right: PartialDate) -> Bool {
        (left.year, left.month ?? 0, left.day ?? 0) < (right.year, right.month ?? 0, right.day ?? 0)
    }

    /// "2017-10-23", "2017-10" or "2017".
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
