package import CSV
package import Contracts
import JSON

/// Reads IMDb's exports of ratings, of the watchlist and of lists: bytes to rows. Neither lists nor the watchlist have
/// a name other than that of their file.
package struct IMDbReader: Sendable {
    private var reader: CSVReader
    private let path: String
    private let isLone: Bool
    private var columns: [String: Int]?
    /// Nil until the header is read.
    package private(set) var kind: ImportRowKind?

    /// `isLone`: whether no other file was sent with it.
    package init(path: String, isLone: Bool = false, limits: CSVLimits = CSVLimits()) {
        self.path = path
        self.isLone = isLone
        reader = CSVReader(limits: limits)
    }

    /// Whether the file ends inside quotes.
    package var isCutShort: Bool { reader.isCutShort }

    /// Whether the start of a file is the header of one: `Const` names the title in every IMDb export.
    package static func recognises(front: [UInt8]) -> Bool {
        let line = front.prefix { $0 != 10 && $0 != 13 }
        let cells = String(decoding: line, as: UTF8.self).split { $0 == "," || $0 == ";" || $0 == "\t" }
        return cells.contains { $0.filter { $0.isLetter }.lowercased() == "const" }
    }

    package mutating func feed(_ chunk: [UInt8], _ show: (ImportedRow) -> Void) throws(CSVError) {
        var (columns, kind) = (columns, kind)
        let (path, isLone) = (path, isLone)
        defer { (self.columns, self.kind) = (columns, kind) }
        try reader.feed(chunk) { record in Self.take(record, &columns, &kind, path, isLone, show) }
    }

    package mutating func finish(_ show: (ImportedRow) -> Void) throws(CSVError) {
        var (columns, kind) = (columns, kind)
        let (path, isLone) = (path, isLone)
        defer { (self.columns, self.kind) = (columns, kind) }
        try reader.finish { record in Self.take(record, &columns, &kind, path, isLone, show) }
    }

    private static func take(
        _ record: borrowing CSVRecord, _ columns: inout [String: Int]?, _ kind: inout ImportRowKind?, _ path: String,
        _ isLone: Bool, _ show: (ImportedRow) -> Void
    ) {
        if record.isBlank { return }
        guard let known = columns else {
            var names: [String: Int] = [:]
            for index in 0..<record.count {
                let name = (record.text(index) ?? "").lowercased()
                if names[name] == nil { names[name] = index }
            }
            columns = names
            // A list has positions; ratings have none. Only the name tells whether it is the watchlist.
            let isList = names["position"] != nil || names["your rating"] == nil
            kind = !isList ? .rating : isWatchlist(path, isLone) ? .watchlist : .listItem
            return
        }
        guard let kind else { return }
        if let refusal = record.refusal { return show(ImportedRow(kind: kind, file: path, record.line, refusal)) }
        show(row(record, known, kind, path))
        // A title on a list may be rated as well, and the list says so.
        if kind != .rating, let index = known["your rating"], !record.field(index).isEmpty {
            show(row(record, known, .rating, path))
        }
    }

    private static func row(
        _ record: borrowing CSVRecord, _ columns: [String: Int], _ kind: ImportRowKind, _ path: String
    ) -> ImportedRow {
        var row = ImportedRow(kind: kind, file: path, line: record.line)
        var problems: [String] = []
        func text(_ column: String) -> String? {
            guard let index = columns[column], !record.field(index).isEmpty else { return nil }
            return record.text(index)
        }
        let id = text("const")
        if let id, let title = title(id, type: text("title type"), name: text("title"), year: text("year")) {
            row.title = title
        } else {
            problems.append("const: \((id ?? "nothing").prefix(40)) is not an IMDb id")
        }
        let date = kind == .rating ? text("date rated") : text("created")
        if let date {
            row.datedAt = CalendarDate(String(date.prefix(10))).map(Timestamp.init)
            if row.datedAt == nil { problems.append("\(date.prefix(40)) \(ImportText.noDate)") }
        }
        if kind == .rating {
            if let value = text("your rating").flatMap({ Int($0) }), (1...10).contains(value) {
                row.rating = DecimalTenths(tenths: value * 10)
                row.given = GivenRating(value: DecimalTenths(tenths: value * 10), scale: .ten)
            } else {
                problems.append("your rating: \((text("your rating") ?? "nothing").prefix(40)) is not 1 to 10")
            }
        }
        // It is about the place on the list.
        if kind != .rating { row.text = text("description").map { String($0.prefix(ImportText.charactersMax)) } }
        if kind == .listItem {
            row.list = String("imdb \(stem(path))".prefix(300))
            row.listName = String(stem(path).prefix(500))
            row.rank = text("position").flatMap { Int($0) }.map { min(max($0, 0), 1_000_000) }
        }
        // Games have no place here.
        if let type = text("title type"), word(type).contains("game") { row.kind = .shown }
        if !problems.isEmpty { row.problems = problems }
        return row
    }

    /// Returns the name of a file without its folders and extension.
    private static func stem(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.lowercased().hasSuffix(".csv") && name.count > 4 ? String(name.dropLast(4)) : name
    }

    /// Whether the list is the watchlist; if the name says nothing, it is taken for that, the one list everyone has.
    private static func isWatchlist(_ path: String, _ isLone: Bool) -> Bool {
        let name = stem(path).lowercased().filter { $0.isLetter || $0.isNumber }
        if name.contains("watchlist") { return true }
        // IMDb's random IDs, perhaps with the number of a copy, and what a body without a name is called.
        let isID = name.count >= 32 && name.prefix(32).allSatisfy(\.isHexDigit)
        return isLone && (isID || ["", "export", "file"].contains(name))
    }

    private static func word(_ type: String) -> String { type.lowercased().filter { $0.isLetter } }

    private static func title(_ id: String, type: String?, name: String?, year: String?) -> TitleQuery? {
        guard id.hasPrefix("tt"), (9...12).contains(id.utf8.count),
            id.utf8.dropFirst(2).allSatisfy({ (48...57).contains($0) })
        else { return nil }
        let kind: TitleKind =
            switch word(type ?? "") {
            case "tvseries", "tvminiseries", "podcastseries": .series
            case "tvepisode", "podcastepisode": .episode
            default: .movie
            }
        let name = name.flatMap { $0.isEmpty ? nil : String($0.prefix(500)) }
        let year = year.flatMap { Int($0) }.flatMap { (1850...2200).contains($0) ? $0 : nil }
        return TitleQuery(kind: kind, ids: ExternalIds(imdb: id), name: name, year: year)
    }
}
