package import Contracts
import Cryptography

/// The keys of rows: rows about one title share a key, so that they are matched, planned and corrected together.
package enum ImportItemKey {
    /// Returns the key of a title. Names and years are compared as written in the file; matching decides what they
    /// mean.
    package static func of(_ title: TitleQuery) -> String {
        var parts = [title.kind.rawValue]
        if let season = title.seasonNumber, let series = title.seriesIds.flatMap(first) {
            // Some rows of an export have an episode's own IDs, others only its place.
            parts += [series, String(season), title.episodeNumber.map(String.init) ?? ""]
        } else if let id = first(title.ids) {
            parts.append(id)
        } else if title.name == nil, let film = title.ids.letterboxd {
            parts.append("letterboxd \(film)")
        } else {
            parts += [title.name ?? "", title.year.map(String.init) ?? ""]
            if title.kind == .season || title.kind == .episode {
                parts += [
                    title.seriesName ?? "", title.seriesYear.map(String.init) ?? "",
                    title.seasonNumber.map(String.init) ?? "", title.episodeNumber.map(String.init) ?? "",
                ]
            }
        }
        return shortened(parts.joined(separator: "\u{1f}"))
    }

    /// Whether one key precedes another by its bytes, as in Postgres: Swift treats two encodings of an accent as the
    /// same text, and sorts them as such.
    package static func precedes(_ one: String, _ other: String) -> Bool {
        one.utf8.lexicographicallyPrecedes(other.utf8)
    }

    /// A key that equals another only if their bytes are equal.
    package struct Exact: Hashable, Sendable {
        package let text: String

        package init(_ text: String) { self.text = text }

        package static func == (one: Exact, other: Exact) -> Bool { one.text.utf8.elementsEqual(other.text.utf8) }

        package func hash(into hasher: inout Hasher) {
            var text = text
            text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    /// Returns the key of a title that the file names by its ID in this installation.
    package static func of(_ title: TitleID) -> String { own + title.description }

    /// Returns the title that such a key names; nil for any other key.
    package static func title(of key: String) -> TitleID? {
        key.hasPrefix(own) ? TitleID(String(key.dropFirst(own.count))) : nil
    }

    private static let own = "title\u{1f}"

    /// The suffix of a key if several films share the name and year; the film's address there follows.
    package static let namesake = "\u{1e}letterboxd "
    /// The suffix if the rows may mean any of them; the entry's address there follows.
    package static let entry = "\u{1e}entry "
    /// The suffix if a row that may mean any of them has no address at all; the row follows.
    package static let row = "\u{1e}row "

    /// Whether another film shares the name and year of such a key.
    package static func isNamesake(_ key: String) -> Bool { key.contains(namesake) || isOpen(key) }

    /// Whether only a person can say which of several films with the same name and year is meant.
    package static func isOpen(_ key: String) -> Bool { key.contains(entry) || isOfOneFile(key) }

    /// Whether such a key means something else in the next file.
    package static func isOfOneFile(_ key: String) -> Bool { key.contains(row) }

    private static let bytesMax = 200

    private static func shortened(_ key: String) -> String {
        guard key.utf8.count > bytesMax else { return key }
        return
            "\(String(decoding: key.utf8.prefix(120), as: UTF8.self)) \(Hex.encode(SHA256.hash(Array(key.utf8)).bytes))"
    }

    /// Returns the first known ID. Letterboxd's is left out if there is a name: only some of its files have it. If
    /// several films share a key, it tells them apart later.
    private static func first(_ ids: ExternalIds) -> String? {
        if let imdb = ids.imdb { return imdb }
        if let trakt = ids.trakt { return "trakt \(trakt)" }
        if let tmdb = ids.tmdb { return "tmdb \(tmdb)" }
        if let tvdb = ids.tvdb { return "tvdb \(tvdb)" }
        return nil
    }
}
