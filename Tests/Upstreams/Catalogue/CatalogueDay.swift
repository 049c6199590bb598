/// A calendar day, for the dates of weekly episodes and OMDb's date format.
struct CatalogueDay {
    let year: Int
    let month: Int
    let day: Int

    /// Parses "1999-03-31".
    init?(_ text: String) {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3 else { return nil }
        (year, month, day) = (parts[0], parts[1], parts[2])
    }

    private init(year: Int, month: Int, day: Int) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// "1999-03-31"
    var text: String { "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)" }

    /// "31 Mar 1999"
    var spelled: String {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(day < 10 ? "0" : "")\(day) \(names[month - 1]) \(year)"
    }

    func adding(days: Int) -> CatalogueDay {
        var result = self
        for _ in 0..<days { result = result.next }
        return result
    }

    private var next: CatalogueDay {
        let leap = (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        if day < lengths[month - 1] { return CatalogueDay(year: year, month: month, day: day + 1) }
        if month < 12 { return CatalogueDay(year: year, month: month + 1, day: 1) }
        return CatalogueDay(year: year + 1, month: 1, day: 1)
    }
}
