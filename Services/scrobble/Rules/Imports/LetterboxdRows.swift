package import Contracts
import JSON

/// Converts the rows of a Letterboxd export to our terms.
package struct LetterboxdRows: Sendable {
    private let path: String
    private var file: LetterboxdFile?
    private var list: LetterboxdList?
    /// The number of entries so far per film and day, for rows without an address: a diary may hold the same one twice.
    private var seen: [String: Int] = [:]

    package init(path: String) { self.path = path }

    /// What the file was recognized as.
    package var recognisedAs: String? {
        file.map { "letterboxd \($0.section == .live ? "" : "\($0.section.rawValue) ")\($0.kind.rawValue)" }
    }

    /// Returns the row for an item of the reader; nil for items that only describe the rows that follow.
    package mutating func row(_ item: LetterboxdReader.Item) -> ImportedRow? {
        switch item {
        case .file(let file):
            self.file = file
            return nil
        case .list(let list):
            self.list = list
            return nil
        case .row(let row): return file.map { converted(row, $0) }
        }
    }

    private mutating func converted(_ row: LetterboxdRow, _ file: LetterboxdFile) -> ImportedRow {
        var result = ImportedRow(kind: .shown, file: path, line: row.line)
        let problems = row.problems.filter(\.isFatal).map(\.sentence)
        if !problems.isEmpty { result.problems = Array(problems.prefix(20)) }
        if let name = row.name, file.kind != .profile {
            result.title = TitleQuery(
                kind: .movie, ids: ExternalIds(), name: String(name.prefix(500)),
                year: row.year.flatMap { $0 >= 1850 ? $0 : nil })
        }
        result.datedAt = row.date.map(Timestamp.init)
        if let text = row.text {
            result.text = String(HTMLText.plain(text).prefix(ImportText.charactersMax))
            if result.text != HTMLText.lines(text) { result.html = String(text.prefix(ImportText.charactersMax)) }
        }
        if let stars = row.halfStars {
            result.rating = DecimalTenths(tenths: stars * 10)
            result.given = GivenRating(value: DecimalTenths(tenths: stars * 5), scale: .fiveStars)
        }
        if !row.tags.isEmpty { result.tags = ImportText.tags(row.tags) }
        place(row, file.kind, in: &result)
        // What was deleted there, and films that no longer exist, are only shown, with everything they say.
        if file.section != .live { result.kind = .shown }
        return result
    }

    private mutating func place(_ row: LetterboxdRow, _ kind: LetterboxdFile.Kind, in result: inout ImportedRow) {
        switch kind {
        case .diary, .reviews:
            result.kind = kind == .diary ? .play : .review
            result.rewatch = row.columns.contains(.rewatch) ? row.isRewatch : nil
            // If there is a column, an empty cell says that there is none.
            if result.tags == nil, row.columns.contains(.tags) { result.tags = [] }
            if result.rating == nil, row.columns.contains(.rating) { result.ofPlay = true }
            result.watchedOn = row.watchedDate ?? (kind == .diary ? row.date : nil)
            result.precision = result.watchedOn == nil ? nil : .day
            result.key = row.code ?? fallbackKey(row, result.watchedOn)
        case .watched:
            result.kind = .watched
            note(film: row, in: &result)
        case .ratings:
            result.kind = .rating
            note(film: row, in: &result)
        case .watchlist:
            result.kind = .watchlist
            note(film: row, in: &result)
        case .likedFilms:
            result.kind = .like
            note(film: row, in: &result)
        case .list:
            result.kind = .listItem
            note(film: row, in: &result)
            result.list = listKey
            result.listName = String((list?.name ?? path).prefix(500))
            result.listNote = list?.description.map { String(HTMLText.plain($0).prefix(5_000)) }
            result.rank = row.position.map { min(max($0, 0), 1_000_000) }
            result.datedAt = list?.date.map(Timestamp.init)
        case .profile, .comments, .likedLists, .likedReviews:
            // What was commented on or liked; in a profile, the favourite films.
            result.key = row.content.map { String($0.prefix(300)) }
        }
    }

    /// The address in the row of a film is the film's own.
    private func note(film row: LetterboxdRow, in result: inout ImportedRow) {
        guard let code = row.code, code.utf8.count <= 20, code.utf8.allSatisfy(ImportText.isAlphanumeric) else {
            return
        }
        result.title?.ids.letterboxd = code
    }

    private var listKey: String {
        let address = list?.address.flatMap { $0.split(separator: "/").last }.map(String.init)
        return String((address ?? list?.name ?? path).prefix(300))
    }

    private mutating func fallbackKey(_ row: LetterboxdRow, _ day: CalendarDate?) -> String {
        let base = "\(row.name ?? "") (\(row.year ?? 0)) \(day.map(\.description) ?? "")"
        let count = (seen[base] ?? 0) + 1
        seen[base] = count
        return String(base.prefix(280)) + (count == 1 ? "" : " \(count)")
    }
}

/// The bounds and phrases of texts from files.
enum ImportText {
    /// The number of characters of a review, as in the contract.
    static let charactersMax = 50_000

    /// The endings of the problems of a cell that is no date, may be two, or lies ahead; a day given by the person
    /// resolves them.
    static let (noDate, twoDates, ahead) = ("is not a date", "could be two dates", "is in the future")

    /// The same endings in rows that earlier versions stored.
    static let earlierDateEndings = ["is no date", "may be two dates", "lies ahead"]

    static func tags(_ tags: [String]) -> [String] { tags.prefix(100).map { String($0.prefix(200)) } }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}

extension ImportedRow {
    /// Returns the row with the day that the person gave it, which resolves the problems with its dates.
    func on(_ day: CalendarDate) -> ImportedRow {
        var row = self
        switch kind {
        case .play, .review, .watched:
            row.watchedOn = day
            row.watchedAt = nil
            row.precision = .day
        case .rating, .watchlist, .like, .collection, .progress, .listItem, .list, .shown:
            row.datedAt = Timestamp(day)
        }
        let ofDates = [ImportText.noDate, ImportText.twoDates, ImportText.ahead] + ImportText.earlierDateEndings
        let left = problems?.filter { problem in !ofDates.contains { problem.hasSuffix($0) } } ?? []
        row.problems = left.isEmpty ? nil : left
        return row
    }
}

extension LetterboxdProblem {
    /// A sentence for the owner of the file.
    var sentence: String {
        switch self {
        case .notText(let column): "\(column): is not text"
        case .badDate(let column, let text): "\(column): \(text.prefix(40)) \(ImportText.noDate)"
        case .ambiguousDate(let column, let text): "\(column): \(text.prefix(40)) \(ImportText.twoDates)"
        case .badYear(let text): "year: \(text.prefix(40)) is not a year"
        case .badRating(let text): "rating: \(text.prefix(40)) is not 0.5 to 5"
        case .noName: "name: is missing"
        }
    }

    /// Whether something would be lost if the row were accepted anyway. A film without a year is just one whose year is
    /// unknown.
    var isFatal: Bool {
        switch self {
        case .noName, .badDate, .ambiguousDate, .badRating, .notText: true
        case .badYear: false
        }
    }
}

extension LetterboxdFile.Kind {
    /// The kind that the person says a file is.
    package init(_ kind: ImportFileKind) {
        self =
            switch kind {
            case .watched: .watched
            case .watchlist: .watchlist
            case .likedFilms: .likedFilms
            case .likedLists: .likedLists
            case .likedReviews: .likedReviews
            }
    }
}

extension ImportFileKind {
    package init?(_ kind: LetterboxdFile.Kind) {
        switch kind {
        case .watched: self = .watched
        case .watchlist: self = .watchlist
        case .likedFilms: self = .likedFilms
        case .likedLists: self = .likedLists
        case .likedReviews: self = .likedReviews
        default: return nil
        }
    }
}
