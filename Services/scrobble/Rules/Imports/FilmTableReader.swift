package import CSV
package import Contracts
import JSON

/// Reads the table of films that Letterboxd imports, as written by Reelay and others: bytes to rows.
///
/// A row with a day is a play; one without is a rating, or a film watched at some time; in a watchlist, every row is a
/// place on it. `ReelayRating` is exact; of Letterboxd's own two columns, the one on the right counts. If we wrote
/// which title and which play a row is, and the current rating of the film, the row means exactly that.
package struct FilmTableReader: Sendable {
    private var reader: CSVReader
    private let path: String
    private var columns: [String: Int]?
    /// The number of entries so far per film and day: the same one may occur twice.
    private var seen: [String: Int] = [:]

    package init(path: String, limits: CSVLimits = CSVLimits()) {
        self.path = path
        reader = CSVReader(limits: limits)
    }

    /// Whether the file ends inside quotes.
    package var isCutShort: Bool { reader.isCutShort }

    /// Whether the start of a file is the header of such a table.
    package static func recognises(front: [UInt8]) -> Bool {
        // Letterboxd's own exports use the same words with spaces.
        let names = Set(cells(front).map { $0.filter { $0 == " " || $0.isLetter || $0.isNumber }.lowercased() })
        let telling: Set<String> = [
            "reelaylist", "letterboxduri", "tmdbid", "imdbid", "watcheddate", "rating10", "reelayrating", "reelaytitle",
        ]
        if names.contains("const") { return false }
        if !names.isDisjoint(with: telling) { return true }
        // The other name for the addresses; in Letterboxd's own list exports, films have a `Name`.
        return names.contains("url") && !names.contains("name")
            && String(decoding: front, as: UTF8.self).contains(LetterboxdRow.shortAddress)
    }

    /// Returns the cells of the first line.
    private static func cells(_ front: [UInt8]) -> [Substring] {
        let line = front.prefix { $0 != 10 && $0 != 13 }
        return String(decoding: line, as: UTF8.self).split { $0 == "," || $0 == ";" || $0 == "\t" }
    }

    /// Returns the names of a header, reduced to letters and digits.
    static func header(_ front: [UInt8]) -> Set<String> { Set(cells(front).map(plain)) }

    /// Returns the index of each column; of two with the same name, the one on the right counts.
    static func columns(_ record: borrowing CSVRecord) -> [String: Int] {
        var names: [String: Int] = [:]
        for index in 0..<record.count { names[plain(Substring(record.text(index) ?? ""))] = index }
        return names
    }

    package mutating func feed(_ chunk: [UInt8], _ show: (ImportedRow) -> Void) throws(CSVError) {
        var (columns, seen) = (columns, seen)
        let path = path
        defer { (self.columns, self.seen) = (columns, seen) }
        try reader.feed(chunk) { record in Self.take(record, &columns, &seen, path, show) }
    }

    package mutating func finish(_ show: (ImportedRow) -> Void) throws(CSVError) {
        var (columns, seen) = (columns, seen)
        let path = path
        defer { (self.columns, self.seen) = (columns, seen) }
        try reader.finish { record in Self.take(record, &columns, &seen, path, show) }
    }

    private static func take(
        _ record: borrowing CSVRecord, _ columns: inout [String: Int]?, _ seen: inout [String: Int], _ path: String,
        _ show: (ImportedRow) -> Void
    ) {
        if record.isBlank { return }
        guard let known = columns else {
            columns = Self.columns(record)
            return
        }
        if let refusal = record.refusal { return show(ImportedRow(kind: .watched, file: path, record.line, refusal)) }
        show(row(record, known, &seen, path))
    }

    private static func row(
        _ record: borrowing CSVRecord, _ columns: [String: Int], _ seen: inout [String: Int], _ path: String
    ) -> ImportedRow {
        var row = ImportedRow(kind: .watched, file: path, line: record.line)
        var problems: [String] = []
        func text(_ column: String) -> String? {
            guard let index = columns[column], let text = record.text(index), !text.isEmpty else { return nil }
            return meant(text)
        }
        row.title = title(text, isOurs: columns["reelaytitle"] != nil)
        row.titleId = text("reelaytitle").flatMap { TitleID($0) }
        if row.title == nil { problems.append("the row names no film") }
        if text("reelaylist") == "watchlist"
            || path.split(separator: "/").last?.lowercased().contains("watchlist") == true
        {
            row.kind = .watchlist
            row.datedAt = text("reelaylistedat").flatMap { Timestamp($0) }
            if !problems.isEmpty { row.problems = problems }
            return row
        }
        let day = text("watcheddate")
        if let day {
            row.watchedOn = CalendarDate(day)
            row.precision = .day
            if row.watchedOn == nil { problems.append("\(day.prefix(40)) \(ImportText.noDate)") }
        }
        rate(&row, columns, text, &problems)
        // What we wrote ourselves is plain text.
        let isOurs = columns["reelaytitle"] != nil
        row.text = text("review").map {
            String((isOurs ? $0 : HTMLText.plain($0)).prefix(ImportText.charactersMax))
        }
        if let day {
            row.kind = .play
            if columns["rewatch"] != nil {
                row.rewatch = ["true", "yes", "1"].contains(text("rewatch")?.lowercased() ?? "")
            }
            let tags = (text("tags") ?? "").split(separator: ",").map { LetterboxdColumn.trimmed($0) }.filter {
                !$0.isEmpty
            }
            if !tags.isEmpty { row.tags = ImportText.tags(tags) }
            let title = row.titleId.map(\.description) ?? row.title.map { ImportItemKey.of($0) } ?? ""
            let base = "\(title) \(row.watchedOn?.description ?? day)"
            let count = (seen[base] ?? 0) + 1
            seen[base] = count
            row.key = String(base.prefix(280)) + (count == 1 ? "" : " \(count)")
        } else if row.rating == nil, row.text != nil, columns["reelayplay"] == nil {
            // It is about a film that may have been watched on the days that other rows name.
            row.kind = .review
        } else if row.rating != nil, text("rewatch") == nil {
            row.kind = .rating
            (row.ofPlay, row.titleRating) = (nil, nil)
        }
        // The exact play, if it is one of ours.
        if let play = text("reelayplay").flatMap({ PlayID($0) }), row.kind != .rating {
            row.kind = .play
            row.key = play.description
            row.precision = row.precision ?? .unknown
        }
        if !problems.isEmpty { row.problems = problems }
        return row
    }

    private static func title(_ text: (String) -> String?, isOurs: Bool) -> TitleQuery? {
        var ids = ExternalIds()
        if let imdb = text("imdbid"), imdb.hasPrefix("tt"), (9...12).contains(imdb.utf8.count),
            imdb.utf8.dropFirst(2).allSatisfy({ (48...57).contains($0) })
        {
            ids.imdb = imdb
        }
        ids.tmdb = text("tmdbid").flatMap { Int($0) }.flatMap { $0 > 0 && $0 <= 9_007_199_254_740_991 ? $0 : nil }
        let name = text("title").map { String($0.prefix(500)) }
        let year = text("year").flatMap { Int($0) }.flatMap { (1850...2200).contains($0) ? $0 : nil }
        // Next to a day, the address may be that of an entry, unless we wrote it; the other columns name the film then.
        let isNamed = ids != ExternalIds() || name != nil
        if isOurs || text("watcheddate") == nil || !isNamed { ids.letterboxd = film(text) }
        guard ids != ExternalIds() || name != nil else { return nil }
        return TitleQuery(kind: .movie, ids: ids, name: name, year: year)
    }

    private static func film(_ text: (String) -> String?) -> String? {
        guard let address = text("letterboxduri") ?? text("url"), let code = LetterboxdRow.code(of: address),
            code.utf8.count <= 20, code.utf8.allSatisfy(ImportText.isAlphanumeric)
        else { return nil }
        return code
    }

    private static func rate(
        _ row: inout ImportedRow, _ columns: [String: Int], _ text: (String) -> String?, _ problems: inout [String]
    ) {
        func exact(_ column: String) -> DecimalTenths? {
            guard let cell = text(column) else { return nil }
            let rating = tenths(cell).flatMap { (1...100).contains($0) ? DecimalTenths(tenths: $0) : nil }
            if rating == nil { problems.append("\(column): \(cell.prefix(40)) is not 0.1 to 10") }
            return rating
        }
        if columns["reelayfilmrating"] != nil {
            row.rating = exact("reelayrating")
            row.titleRating = exact("reelayfilmrating")
            row.ofPlay = true
            return
        }
        if text("reelayrating") != nil {
            row.rating = exact("reelayrating")
            return
        }
        let order = [("rating", 20), ("rating10", 10)].filter { text($0.0) != nil }
        guard let chosen = order.max(by: { (columns[$0.0] ?? 0) < (columns[$1.0] ?? 0) }), let value = text(chosen.0)
        else { return }
        // Stars count double; both scales have ten steps.
        let rating = tenths(value).map { $0 * chosen.1 / 10 }
        if let rating, (10...100).contains(rating), rating.isMultiple(of: 10) {
            row.rating = DecimalTenths(tenths: rating)
            row.given =
                chosen.1 == 20
                ? GivenRating(value: DecimalTenths(tenths: rating / 2), scale: .fiveStars)
                : GivenRating(value: DecimalTenths(tenths: rating), scale: .ten)
        } else {
            problems.append("\(chosen.0): \(value.prefix(40)) is not a rating")
        }
    }

    /// Parses "8", "8.5" or "8,5" into tenths.
    static func tenths(_ text: String) -> Int? {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "," }
        guard parts.count <= 2, let whole = parts.first.flatMap({ Int($0) }), (0...100).contains(whole) else {
            return nil
        }
        guard parts.count == 2 else { return whole * 10 }
        guard parts[1].count == 1, let tenth = Int(parts[1]) else { return nil }
        return whole * 10 + tenth
    }

    /// Returns a cell without the apostrophe that keeps spreadsheets from executing it.
    static func meant(_ cell: String) -> String {
        guard cell.hasPrefix("'"), let first = cell.utf8.first(where: { $0 != UInt8(ascii: "'") }) else { return cell }
        switch first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 9, 13:
            return String(cell.dropFirst())
        default: return cell
        }
    }

    private static func plain(_ header: Substring) -> String {
        header.filter { $0.isLetter || $0.isNumber }.lowercased()
    }
}
