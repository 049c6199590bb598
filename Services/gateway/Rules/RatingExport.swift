import Contracts
import JSON

/// My ratings as a file, written page by page.
struct RatingExport: Sendable {
    private let format: ExportFormat
    private var csv = CSVText()
    private var json: [UInt8] = []
    private(set) var rowCount = 0

    private static let columns = [
        "Title", "Year", "Kind", "Rating", "Given Value", "Given Scale", "Rated At", "Review", "Spoiler", "Source",
        "Updated At", "imdbID", "tmdbID", "tvdbID", "Reelay ID",
    ]

    init(_ format: ExportFormat) {
        self.format = format
        switch format {
        case .csv: csv.row(Self.columns)
        case .json: json += Array("{\"ratings\":[".utf8)
        }
    }

    var byteCount: Int { format == .csv ? csv.bytes.count : json.count }

    mutating func add(_ item: RatedItem) {
        switch format {
        case .csv: csv.row(Self.cells(item))
        case .json:
            if rowCount > 0 { json.append(UInt8(ascii: ",")) }
            json += encodeJSON(item)
        }
        rowCount += 1
    }

    func file() -> EdgeFile {
        switch format {
        case .csv:
            EdgeFile(contentType: "text/csv; charset=utf-8", name: "reelay-ratings.csv", bytes: csv.bytes)
        case .json:
            EdgeFile(
                contentType: "application/json", name: "reelay-ratings.json", bytes: json + Array("]}".utf8))
        }
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
