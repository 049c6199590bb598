import Contracts
import JSON
import RatingScales

/// A file in the format that Letterboxd takes in, kept below the size that it takes.
struct LetterboxdFile: Sendable {
    /// Letterboxd takes 1 MB.
    static let bytesMax = 950_000

    /// A film with what is said of it; `watchedOn` makes it an entry of the diary.
    struct Row: Sendable {
        let title: Title
        /// Whether it was watched. Letterboxd looks at `Rewatch` only beside a day; whoever reads the file again sees in it
        /// that the film was watched at some time.
        var isPlay = false
        var watchedOn: CalendarDate?
        /// What Letterboxd is told.
        var rating: DecimalTenths?
        /// What was given then, where that is known.
        var entryRating: DecimalTenths?
        /// What the film is rated now.
        var filmRating: DecimalTenths?
        var play: PlayID?
        var isRewatch = false
        var tags: [String] = []
        var review: String?
        /// When it was put on the watchlist.
        var listedAt: Timestamp?
    }

    private var csv = CSVText()
    private let isWatchlist: Bool

    /// `Rating10` stands to the right of `Rating`: of the two the right one counts.
    private static let columns = [
        "LetterboxdURI", "tmdbID", "imdbID", "Title", "Year", "Rating", "Rating10", "WatchedDate", "Rewatch", "Tags",
        "Review", "ReelayRating", "ReelayFilmRating", "ReelayTitle", "ReelayPlay",
    ]

    /// Letterboxd takes a watchlist on a page of its own and looks at none of these; whoever reads the file again sees from
    /// them what it is.
    private static let watchlistColumns = ["ReelayList", "ReelayListedAt"]

    init(_ list: LetterboxdList) {
        isWatchlist = list == .watchlist
        csv.row(Self.columns + (isWatchlist ? Self.watchlistColumns : []))
    }

    var bytes: [UInt8] { csv.bytes }

    /// False where the file would become too large; then it stays as it is.
    mutating func add(_ row: Row) -> Bool {
        var longer = CSVText()
        let listed = isWatchlist ? [LetterboxdList.watchlist.rawValue, row.listedAt?.description ?? ""] : []
        longer.row(Self.cells(row) + listed)
        // A row that is too large for any file stands in one of its own.
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
