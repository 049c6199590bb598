package import Contracts

/// What a file of Trakt's export is, by its name; a category may be one file, or many numbered ones.
package enum TraktExportFile: Sendable, Hashable {
    case history
    case watchedMovies, watchedShows
    /// Where someone stopped watching.
    case playback
    case ratings
    case watchlist, favourites
    case listHeaders
    /// The items of a list, by Trakt's number for it.
    case list(String)
    case comments
    case collection
    /// What is missing from the export itself.
    case errors
    /// Only shown.
    case other(String)

    /// Nil for a name that no file of the export has.
    package init?(path: String) {
        guard let name = path.split(separator: "/").last, name.lowercased().hasSuffix(".json") else { return nil }
        let stem = String(name.dropLast(5))
        if stem == "_errors" {
            self = .errors
            return
        }
        let parts = stem.split(separator: "-").map(String.init)
        switch (parts.first ?? "", parts.count > 1 ? parts[1] : "") {
        case ("watched", "history"): self = .history
        case ("watched", "movies"): self = .watchedMovies
        case ("watched", "shows"): self = .watchedShows
        case ("watched", "playback"): self = .playback
        case ("ratings", "movies"), ("ratings", "shows"), ("ratings", "seasons"), ("ratings", "episodes"):
            self = .ratings
        case ("lists", "watchlist"): self = .watchlist
        case ("lists", "favorites"): self = .favourites
        case ("lists", "lists"): self = .listHeaders
        case ("lists", "list") where parts.count > 2: self = .list(parts[2])
        case ("comments", _): self = .comments
        case ("collection", _): self = .collection
        case ("watched", _), ("hidden", _), ("likes", _), ("network", _), ("notes", _), ("user", _): self = .other(stem)
        default: return nil
        }
    }

    /// Whether an element is a show with all of its episodes.
    package var holdsShows: Bool {
        switch self {
        case .watchedShows, .collection: true
        default: false
        }
    }

    /// The kind of an element, even of one that cannot be read.
    package var rowKind: ImportRowKind {
        switch self {
        case .history: .play
        case .watchedMovies, .watchedShows: .watched
        case .playback: .progress
        case .ratings: .rating
        case .watchlist: .watchlist
        case .favourites: .like
        case .list: .listItem
        case .comments: .review
        case .collection: .collection
        case .listHeaders, .errors, .other: .shown
        }
    }

    package var name: String {
        switch self {
        case .history: "watched-history"
        case .watchedMovies: "watched-movies"
        case .watchedShows: "watched-shows"
        case .playback: "watched-playback"
        case .ratings: "ratings"
        case .watchlist: "lists-watchlist"
        case .favourites: "lists-favorites"
        case .listHeaders: "lists-lists"
        case .list: "lists-list"
        case .comments: "comments"
        case .collection: "collection"
        case .errors: "_errors"
        case .other(let stem): stem
        }
    }
}
