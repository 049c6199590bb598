/// What a file of a Letterboxd export is, by its header and, if that is ambiguous, by its path.
package struct LetterboxdFile: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case profile, diary, reviews, ratings, watched, watchlist, comments, list
        case likedFilms = "likes/films"
        case likedLists = "likes/lists"
        case likedReviews = "likes/reviews"
    }

    /// The section of the export that a file is in.
    package enum Section: String, Sendable, Hashable, CaseIterable {
        case live, deleted
        /// Films that TMDb no longer has.
        case orphaned
    }

    package enum Recognition: Sendable, Hashable {
        case known(LetterboxdFile)
        /// One of these; the person must say which.
        case unclear([Kind])
        case unknown
    }

    package let kind: Kind
    package let section: Section

    package init(kind: Kind, section: Section) {
        self.kind = kind
        self.section = section
    }

    /// Whether the file is one that archives hold next to an export without being part of it.
    package static func isForeign(_ path: String) -> Bool {
        path.split(separator: "/").contains { $0 == "__MACOSX" || $0.hasPrefix(".") }
    }

    static func section(_ path: String) -> Section {
        let folders = path.lowercased().split(separator: "/").dropLast()
        return folders.contains("deleted") ? .deleted : folders.contains("orphaned") ? .orphaned : .live
    }

    /// Recognizes a file by the cells of its first record that is not the marker, and by its path within the archive;
    /// neither one leading directory nor the name of a single file matters.
    package static func recognise(header: [String], path: String) -> Recognition {
        let names = Set(header.map(LetterboxdColumn.normalized))
        let parts = path.lowercased().split(separator: "/").map(String.init)
        let folders = parts.dropLast()
        let section = section(path)
        let stem = parts.last.map { $0.hasSuffix(".csv") ? String($0.dropLast(4)) : $0 } ?? ""
        func known(_ kind: Kind) -> Recognition { .known(LetterboxdFile(kind: kind, section: section)) }
        func chosen(_ kinds: [Kind]) -> Recognition {
            let isLiked = folders.contains("likes")
            let fitting = kinds.filter {
                isLiked ? $0.rawValue == "likes/" + stem : $0.rawValue == stem
            }
            return fitting.count == 1 ? known(fitting[0]) : .unclear(kinds)
        }

        if names.isSuperset(of: ["username", "date joined"]) { return known(.profile) }
        if names.isSuperset(of: ["position", "name", "year"]) { return known(.list) }
        if names.isSuperset(of: ["date", "name", "tags", "url", "description"]) { return known(.list) }
        if names.isSuperset(of: ["date", "content", "comment"]) { return known(.comments) }
        if names.isSuperset(of: ["date", "content"]) { return chosen([.likedLists, .likedReviews]) }
        // Columns may have been removed: the film's name and a column name that only Letterboxd uses are decisive.
        guard names.contains("name") else { return .unknown }
        if names.contains("watched date") { return known(names.contains("review") ? .reviews : .diary) }
        guard names.contains("letterboxd uri") || names.isSuperset(of: ["date", "year"]) else { return .unknown }
        if names.contains("review") { return known(.reviews) }
        if names.contains("rating") { return known(.ratings) }
        return chosen([.watched, .watchlist, .likedFilms])
    }
}

/// The columns of exports, by their lowercase header.
enum LetterboxdColumn: String, Sendable, CaseIterable {
    case date, name, year, rating, rewatch, tags, review, position, description, content, comment, username, url
    case uri = "letterboxd uri"
    case watchedDate = "watched date"
    case dateJoined = "date joined"
    case favourites = "favorite films"

    static func normalized(_ header: String) -> String { trimmed(Substring(header)).lowercased() }

    static func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
