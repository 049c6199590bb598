package import Contracts
import Cryptography

/// Which rows speak of one title: they get one key, so that they are matched, planned and corrected together.
package enum ImportItemKey {
    /// Names and years are compared as the file writes them: what they mean is for matching to say.
    package static func of(_ title: TitleQuery) -> String {
        var parts = [title.kind.rawValue]
        if let season = title.seasonNumber, let series = title.seriesIds.flatMap(first) {
            // Some rows of an export know an episode's own ids, others only its place.
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

    /// Whether one key stands before another, by its bytes as Postgres has it: Swift takes two ways to write an accent for the
    /// same text, and orders them as such.
    package static func precedes(_ one: String, _ other: String) -> Bool {
        one.utf8.lexicographicallyPrecedes(other.utf8)
    }

    /// A key that is another's only where their bytes are.
    package struct Exact: Hashable, Sendable {
        package let text: String

        package init(_ text: String) { self.text = text }

        package static func == (one: Exact, other: Exact) -> Bool { one.text.utf8.elementsEqual(other.text.utf8) }

        package func hash(into hasher: inout Hasher) {
            var text = text
            text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    /// Of a title that the file names by its id here.
    package static func of(_ title: TitleID) -> String { own + title.description }

    /// The title that such a key names; nil for every other key.
    package static func title(of key: String) -> TitleID? {
        key.hasPrefix(own) ? TitleID(String(key.dropFirst(own.count))) : nil
    }

    private static let own = "title\u{1f}"

    /// What a key has behind it where there are several films of that name and year: which of them, by its address there.
    package static let namesake = "\u{1e}letterboxd "
    /// Of which entry the rows are, where they may mean either film: by the entry's address there.
    package static let entry = "\u{1e}entry "
    /// Which row it is that may mean either, where that has no address at all.
    package static let row = "\u{1e}row "

    /// Whether the name and year of such a key are those of another film, too.
    package static func isNamesake(_ key: String) -> Bool { key.contains(namesake) || isOpen(key) }

    /// Whether only a person can say which of several films of a name and year is meant.
    package static func isOpen(_ key: String) -> Bool { key.contains(entry) || isOfOneFile(key) }

    /// Whether such a key means something else in the next file.
    package static func isOfOneFile(_ key: String) -> Bool { key.contains(row) }

    private static let bytesMax = 200

    private static func shortened(_ key: String) -> String {
        guard key.utf8.count > bytesMax else { return key }
        return
            "\(String(decoding: key.utf8.prefix(120), as: UTF8.self)) \(Hex.encode(SHA256.hash(Array(key.utf8)).bytes))"
    }

    /// Letterboxd's is left out where there is a name: only some of its files tell it. Where several films share a key, it tells
    /// them apart later.
    private static func first(_ ids: ExternalIds) -> String? {
        if let imdb = ids.imdb { return imdb }
        if let trakt = ids.trakt { return "trakt \(trakt)" }
        if let tmdb = ids.tmdb { return "tmdb \(tmdb)" }
        if let tvdb = ids.tvdb { return "tvdb \(tvdb)" }
        return nil
    }
}
