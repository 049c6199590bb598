import Contracts
import JSON

/// A person's ratings as a file, written page by page.
struct RatingExport: Sendable {
    private let format: ExportFormat
    private var hasBegun = false
    private var isEmpty = true

    private static let columns = [
        "Title", "Year", "Kind", "Rating", "Given Value", "Given Scale", "Rated At", "Review", "Spoiler", "Source",
        "Updated At", "imdbID", "tmdbID", "tvdbID", "Reelay ID",
    ]

    init(_ format: ExportFormat) { self.format = format }

    var contentType: String { format == .csv ? "text/csv; charset=utf-8" : "application/json" }
    var name: String { "reelay-ratings.\(format.rawValue)" }

    /// Returns the next bytes of the file: `items`, with what comes before the first and after the last of all.
    mutating func piece(_ items: [RatedItem], isLast: Bool) -> [UInt8] {
        defer { (hasBegun, isEmpty) = (true, isEmpty && items.isEmpty) }
        switch format {
        case .csv: return rows(items)
        case .json: return members(items, isLast)
        }
    }

    private func rows(_ items: [RatedItem]) -> [UInt8] {
        var csv = CSVText()
        if !hasBegun { csv.row(Self.columns) }
        for item in items { csv.row(Self.cells(item)) }
        return csv.bytes
    }

    private func members(_ items: [RatedItem], _ isLast: Bool) -> [UInt8] {
        var json = hasBegun ? [] : Array("{\"ratings\":[".utf8)
        for (place, item) in items.enumerated() {
            if place > 0 || !isEmpty { json.append(UInt8(ascii: ",")) }
            json += encodeJSON(item)
        }
        return isLast ? json + Array("]}".utf8) : json
    }

    private static func cells(_ item: RatedItem) -> [String] {
        let (title, ids, rating) = (item.title, item.externalIds, item.rating)
        return [
            title.name, title.year.map(String.init) ?? "", title.kind.rawValue, rating.rating.description,
            rating.given.map(\.value.description) ?? "", rating.given.map(\.scale.rawValue) ?? "",
            rating.ratedAt.description, rating.review ?? "", rating.spoiler ? "true" : "false",
            rating.source.map(\.rawValue) ?? "", rating.updatedAt.description, ids.imdb ?? "",
            ids.tmdb.map(String.init) ?? "", ids.tvdb.map(String.init) ?? "", title.id.description,
        ]
    }
}
