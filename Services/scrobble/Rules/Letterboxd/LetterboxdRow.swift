package import CSV
package import Contracts

/// A problem with a cell; the row is shown anyway.
package enum LetterboxdProblem: Sendable, Hashable {
    /// Not UTF-8, or contains U+0000.
    case notText(column: String)
    case badDate(column: String, text: String)
    /// 03/04/2021: either number may be the month.
    case ambiguousDate(column: String, text: String)
    case badYear(String)
    case badRating(String)
    case noName
}

/// One row of an export; nil and empty values are not in the file.
package struct LetterboxdRow: Sendable, Hashable {
    /// The line in the file, from 1.
    package var line = 1
    /// The day of the entry: logged, rated or added; in a profile, the account's first day.
    package var date: CalendarDate?
    /// The name of the film, or of the person in a profile.
    package var name: String?
    package var year: Int?
    /// The film's short address; in the diary and the reviews, the entry's.
    package var address: String?
    /// 1 to 10; 1 is half a star.
    package var halfStars: Int?
    package var isRewatch = false
    package var tags: [String] = []
    package var watchedDate: CalendarDate?
    /// HTML as written by Letterboxd, of a review, a comment, or the note on a film in a list.
    package var text: String?
    /// The position in a list, from 1.
    package var position: Int?
    /// What was liked or commented on; in a profile, the favourite films.
    package var content: String?
    package var problems: [LetterboxdProblem] = []
    /// The columns of the file.
    var columns: Set<LetterboxdColumn> = []
    /// Why nothing but its line is known of the row.
    package var refusal: CSVRefusal?

    /// The code of the short address, which stays the same across exports: "29Nu" of https://boxd.it/29Nu.
    package var code: String? { address.flatMap(Self.code(of:)) }

    /// The prefix of short addresses.
    static let shortAddress = "https://boxd.it/"

    /// Returns the code of a short address; nil for any other text.
    static func code(of address: String) -> String? {
        guard address.hasPrefix(shortAddress) else { return nil }
        let code = address.dropFirst(shortAddress.count)
        return code.isEmpty || code.contains("/") ? nil : String(code)
    }
}

/// What the file of a list says about the list itself.
package struct LetterboxdList: Sendable, Hashable {
    package var line = 1
    package var date: CalendarDate?
    package var name: String?
    package var tags: [String] = []
    package var address: String?
    package var description: String?
    package var problems: [LetterboxdProblem] = []
}

/// Reads cells by their column.
struct LetterboxdCells {
    private let columns: [LetterboxdColumn: Int]
    private let names: Set<LetterboxdColumn>

    init(header: [String]) {
        var columns: [LetterboxdColumn: Int] = [:]
        for (index, name) in header.enumerated() {
            guard let column = LetterboxdColumn(rawValue: LetterboxdColumn.normalized(name)) else { continue }
            // Of two columns with the same name, the first counts.
            if columns[column] == nil { columns[column] = index }
        }
        self.columns = columns
        names = Set(columns.keys)
    }

    func row(_ record: borrowing CSVRecord, isOfFilm: Bool) -> LetterboxdRow {
        var row = LetterboxdRow()
        row.line = record.line
        row.columns = names
        row.date = date(.date, record, &row.problems) ?? date(.dateJoined, record, &row.problems)
        row.name = text(.name, record, &row.problems) ?? text(.username, record, &row.problems)
        if isOfFilm, row.name == nil { row.problems.append(.noName) }
        row.year = year(record, &row.problems)
        row.address = text(.uri, record, &row.problems) ?? text(.url, record, &row.problems)
        row.halfStars = halfStars(record, &row.problems)
        row.isRewatch = text(.rewatch, record, &row.problems)?.lowercased() == "yes"
        row.tags = tags(record, &row.problems)
        row.watchedDate = date(.watchedDate, record, &row.problems)
        row.text =
            text(.review, record, &row.problems) ?? text(.comment, record, &row.problems)
            ?? text(.description, record, &row.problems)
        row.position = text(.position, record, &row.problems).flatMap { Int($0) }
        row.content = text(.content, record, &row.problems) ?? text(.favourites, record, &row.problems)
        return row
    }

    func list(_ record: borrowing CSVRecord) -> LetterboxdList {
        var list = LetterboxdList()
        list.line = record.line
        list.date = date(.date, record, &list.problems)
        list.name = text(.name, record, &list.problems)
        list.tags = tags(record, &list.problems)
        list.address = text(.url, record, &list.problems)
        list.description = text(.description, record, &list.problems)
        return list
    }

    private func text(
        _ column: LetterboxdColumn, _ record: borrowing CSVRecord, _ problems: inout [LetterboxdProblem]
    ) -> String? {
        guard let index = columns[column], !record.field(index).isEmpty else { return nil }
        guard let text = record.text(index) else {
            problems.append(.notText(column: column.rawValue))
            return nil
        }
        return text
    }

    private func year(_ record: borrowing CSVRecord, _ problems: inout [LetterboxdProblem]) -> Int? {
        guard let text = text(.year, record, &problems) else { return nil }
        if text.utf8.count == 4, let year = Int(text), (1870...2200).contains(year) { return year }
        problems.append(.badYear(text))
        return nil
    }

    /// Parses "0.5" to "5" in halves; spreadsheets may have turned it into "4,5" or "4.0".
    private func halfStars(_ record: borrowing CSVRecord, _ problems: inout [LetterboxdProblem]) -> Int? {
        guard let text = text(.rating, record, &problems) else { return nil }
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "," }
        if parts.count <= 2, let whole = parts.first.flatMap({ Int($0) }), (0...5).contains(whole) {
            let half: Int? =
                switch parts.count == 2 ? parts[1] : "0" {
                case "0", "00": 0
                case "5", "50": 1
                default: nil
                }
            if let half, (1...10).contains(whole * 2 + half) { return whole * 2 + half }
        }
        problems.append(.badRating(text))
        return nil
    }

    private func tags(_ record: borrowing CSVRecord, _ problems: inout [LetterboxdProblem]) -> [String] {
        guard let text = text(.tags, record, &problems) else { return [] }
        return text.split(separator: ",").map(LetterboxdColumn.trimmed).filter { !$0.isEmpty }
    }

    private func date(
        _ column: LetterboxdColumn, _ record: borrowing CSVRecord, _ problems: inout [LetterboxdProblem]
    ) -> CalendarDate? {
        guard let text = text(column, record, &problems) else { return nil }
        if let date = CalendarDate(text) { return date }
        switch LetterboxdDate.read(text) {
        case .date(let date): return date
        case .ambiguous: problems.append(.ambiguousDate(column: column.rawValue, text: text))
        case .bad: problems.append(.badDate(column: column.rawValue, text: text))
        }
        return nil
    }
}

/// Parses dates as rewritten by spreadsheets.
enum LetterboxdDate: Hashable {
    case date(CalendarDate)
    case ambiguous
    case bad

    /// 31.12.2021 is day first; 31/12/2021 and 12/31/2021 are accepted only if one number cannot be a month or both are
    /// equal.
    static func read(_ text: String) -> LetterboxdDate {
        guard text.utf8.count <= 10 else { return .bad }
        let separator: Character = text.contains(".") ? "." : "/"
        let numbers = text.split(separator: separator, omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 3, let first = numbers[0], let second = numbers[1], let year = numbers[2], year >= 1000
        else { return .bad }
        let dayFirst = CalendarDate(year: year, month: second, day: first)
        if separator == "." { return dayFirst.map { .date($0) } ?? .bad }
        let monthFirst = CalendarDate(year: year, month: first, day: second)
        if let dayFirst, let monthFirst { return dayFirst == monthFirst ? .date(dayFirst) : .ambiguous }
        return (dayFirst ?? monthFirst).map { .date($0) } ?? .bad
    }
}
