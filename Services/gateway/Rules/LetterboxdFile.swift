import Contracts
import JSON
import RatingScales

/// A file in the format that Letterboxd imports, kept below the size that it accepts.
struct LetterboxdFile: Sendable {
    /// The maximum size, in bytes; Letterboxd accepts 1 MB.
    static let bytesMax = 950_000

    /// A film and what is said of it; `watchedOn` makes it a diary entry.
    struct Row: Sendable {
        let title: Title
        /// Whether it was watched. Letterboxd reads `Rewatch` only beside a day; a reader of the file sees from it that
        /// the film was watched at some time.
        var isPlay = false
        var watchedOn: CalendarDate?
        /// The rating that Letterboxd gets.
        var rating: DecimalTenths?
        /// The rating given at that time, if known.
        var entryRating: DecimalTenths?
        /// The film's current rating.
        var filmRating: DecimalTenths?
        var play: PlayID?
        var isRewatch = false
        var tags: [String] = []
        var review: String?
        /// When it was added to the watchlist.
        var listedAt: Timestamp?
    }

    private var csv = CSVText()
    private let isWatchlist: Bool

    /// `Rating10` is to the right of `Rating`, since the rightmost of the two counts.
    private static let columns = [
        "LetterboxdURI", "tmdbID", "imdbID", "Title", "Year", "Rating", "Rating10", "WatchedDate", "Rewatch", "Tags",
        "Review", "ReelayRating", "ReelayFilmRating", "ReelayTitle", "ReelayPlay",
    ]

    /// Letterboxd imports a watchlist on a page of its own and ignores these columns; a reader of the file recognises
    /// it by them.
    private static let watchlistColumns = ["ReelayList", "ReelayListedAt"]

    init(_ list: LetterboxdList) {
        isWatchlist = list == .watchlist
        csv.row(Self.columns + (isWatchlist ? Self.watchlistColumns : []))
    }

    var bytes: [UInt8] { csv.bytes }

    /// Appends a row. Returns false, and changes nothing, if the file would become too large.
    mutating func add(_ row: Row) -> Bool {
        var longer = CSVText()
        let listed = isWatchlist ? [LetterboxdList.watchlist.rawValue, row.listedAt?.description ?? ""] : []
        longer.row(Self.cells(row) + listed)
        // A row that is too large for any file gets one of its own.
        guard csv.bytes.count + longer.bytes.count <= Self.bytesMax || isEmpty else { return false }
        csv.append(longer)
        isEmpty = false
        return true
    }

    private(set) var isEmpty = true

    private static func cells(_ row: Row) -> [String] {
        let ids = row.title.externalIds
        // Half stars: 5 to 50 in steps of 5.
        let stars = row.rating.map { RemoteScale.letterboxd.encode($0) }
        return [
            ids.letterboxd.map { "https://boxd.it/\($0)" } ?? "", ids.tmdb.map(String.init) ?? "", ids.imdb ?? "",
            row.title.name, row.title.year.map(String.init) ?? "", stars.map(text) ?? "",
            stars.map { String($0.tenths / 5) } ?? "", row.watchedOn?.description ?? "",
            row.isPlay ? row.isRewatch ? "true" : "false" : "",
            row.tags.joined(separator: ", "), row.review ?? "",
            (row.isPlay ? row.entryRating : row.rating)?.description ?? "", row.filmRating?.description ?? "",
            row.title.id.description, row.play?.description ?? "",
        ]
    }

    private static func text(_ stars: DecimalTenths) -> String {
        stars.tenths.isMultiple(of: 10) ? String(stars.tenths / 10) : "\(stars.tenths / 10).5"
    }
}
