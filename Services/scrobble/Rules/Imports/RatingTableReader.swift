package import CSV
package import Contracts
import JSON

/// Reads the human-readable table of ratings that Reelay writes (`exports?kind=ratings&format=csv`): bytes to rows.
///
/// Every row is an exact rating, with the scale it was given on, its date, its review and whether that is a spoiler.
/// The title is the one with that ID in this installation, if there is one, otherwise the one that its other IDs and
/// its name mean.
package struct RatingTableReader: Sendable {
    private var reader: CSVReader
    private let path: String
    private var columns: [String: Int]?

    package init(path: String, limits: CSVLimits = CSVLimits()) {
        self.path = path
        reader = CSVReader(limits: limits)
    }

    /// Whether the file ends inside quotes.
    package var isCutShort: Bool { reader.isCutShort }

    /// Whether the start of a file is the header of such a table.
    package static func recognises(front: [UInt8]) -> Bool {
        FilmTableReader.header(front).isSuperset(of: ["kind", "rating", "givenvalue", "givenscale", "ratedat"])
    }

    package mutating func feed(_ chunk: [UInt8], _ show: (ImportedRow) -> Void) throws(CSVError) {
        var columns = columns
        let path = path
        defer { self.columns = columns }
        try reader.feed(chunk) { record in Self.take(record, &columns, path, show) }
    }

    package mutating func finish(_ show: (ImportedRow) -> Void) throws(CSVError) {
        var columns = columns
        let path = path
        defer { self.columns = columns }
        try reader.finish { record in Self.take(record, &columns, path, show) }
    }

    private static func take(
        _ record: borrowing CSVRecord, _ columns: inout [String: Int]?, _ path: String, _ show: (ImportedRow) -> Void
    ) {
        if record.isBlank { return }
        if let refusal = record.refusal {
            show(ImportedRow(kind: .rating, file: path, record.line, refusal))
        } else if let columns {
            show(row(record, columns, path))
        } else {
            columns = FilmTableReader.columns(record)
        }
    }

    private static func row(
        _ record: borrowing CSVRecord, _ columns: [String: Int], _ path: String
    ) -> ImportedRow {
        var row = ImportedRow(kind: .rating, file: path, line: record.line)
        var problems: [String] = []
        func text(_ column: String) -> String? {
            guard let index = columns[column], let text = record.text(index), !text.isEmpty else { return nil }
            return FilmTableReader.meant(text)
        }
        row.title = title(text)
        row.titleId = text("reelayid").flatMap { TitleID($0) }
        if row.title == nil { problems.append("the row names no title") }
        let rating = text("rating") ?? ""
        row.rating = FilmTableReader.tenths(rating).flatMap { (1...100).contains($0) ? DecimalTenths(tenths: $0) : nil }
        if row.rating == nil { problems.append("rating: \(rating.prefix(40)) is not 0.1 to 10") }
        if let value = text("givenvalue").flatMap(FilmTableReader.tenths),
            let scale = text("givenscale").flatMap(RatingScale.init(rawValue:))
        {
            row.given = GivenRating(value: DecimalTenths(tenths: value), scale: scale)
        }
        if let date = text("ratedat") {
            row.datedAt = Timestamp(date)
            if row.datedAt == nil { problems.append("rated at: \(date.prefix(40)) \(ImportText.noDate)") }
        }
        row.text = text("review").map { String($0.prefix(ImportText.charactersMax)) }
        row.spoiler = text("spoiler")?.lowercased() == "true" ? true : nil
        if !problems.isEmpty { row.problems = problems }
        return row
    }

    private static func title(_ text: (String) -> String?) -> TitleQuery? {
        guard let kind = text("kind").flatMap({ TitleKind(rawValue: $0.lowercased()) }) else { return nil }
        func number(_ column: String) -> Int? {
            text(column).flatMap { Int($0) }.flatMap { (1...9_007_199_254_740_991).contains($0) ? $0 : nil }
        }
        let imdb = text("imdbid").flatMap { $0.wholeMatch(of: /tt[0-9]{7,10}/) == nil ? nil : $0 }
        let ids = ExternalIds(imdb: imdb, tmdb: number("tmdbid"), tvdb: number("tvdbid"))
        let name = text("title").map { String($0.prefix(500)) }
        let year = text("year").flatMap { Int($0) }.flatMap { (1850...2200).contains($0) ? $0 : nil }
        guard ids != ExternalIds() || name != nil else { return nil }
        return TitleQuery(kind: kind, ids: ids, name: name, year: year)
    }
}
