internal import Archive
internal import CSV
internal import Foundation

/// The films in somebody's export, so that the emulated providers know them. Names and years are from the file;
/// everything else is invented.
package enum ExportTitles {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    struct Film: Hashable {
        let name: String
        let year: Int
    }

    /// The largest number of films taken from an export.
    static let filmsMax = 100_000

    /// The titles in an archive, a folder or a single CSV file, each film once, in an order that does not depend on the
    /// files'.
    package static func titles(at path: String) throws -> [CatalogueTitle] {
        var films: Set<Film> = []
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw Failure(description: "\(path) does not exist")
        }
        if isFolder.boolValue {
            for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init()
            where name.hasSuffix(".csv") {
                take(Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)"))), &films)
            }
        } else {
            let bytes = Array(try Data(contentsOf: URL(filePath: path)))
            if ArchiveReader.isArchive(bytes) { try takeArchive(bytes, &films) } else { take(bytes, &films) }
        }
        let ordered = films.sorted { ($0.name, $0.year) < ($1.name, $1.year) }.prefix(filmsMax)
        return ordered.enumerated().map { title($0.element, $0.offset) }
    }

    private static func takeArchive(_ bytes: [UInt8], _ films: inout Set<Film>) throws {
        var file = try ScratchFile()
        try file.append(bytes)
        var archive = try ArchiveReader(file)
        for entry in archive.entries where entry.name.hasSuffix(".csv") {
            try archive.open(entry)
            var contents: [UInt8] = []
            while let piece = try archive.next() { contents += piece }
            take(contents, &films)
        }
    }

    /// Adds every row with a name and a year; ignores what cannot be parsed.
    private static func take(_ bytes: [UInt8], _ films: inout Set<Film>) {
        var reader = CSVReader()
        var places: (name: Int, year: Int)?
        var found: [Film] = []
        func show(_ record: borrowing CSVRecord) {
            let cells = (0..<record.count).map { record.text($0) ?? "" }
            let names = cells.map { $0.lowercased() }
            if let name = names.firstIndex(where: { $0 == "name" || $0 == "title" }),
                let year = names.firstIndex(of: "year")
            {
                places = (name, year)
            } else if let places, cells.count > max(places.name, places.year), let year = Int(cells[places.year]),
                (1870...2100).contains(year), !cells[places.name].isEmpty
            {
                found.append(Film(name: cells[places.name], year: year))
            }
        }
        _ = try? reader.feed(bytes, show)
        _ = try? reader.finish(show)
        films.formUnion(found)
    }

    private static func title(_ film: Film, _ index: Int) -> CatalogueTitle {
        CatalogueTitle(film.name) {
            $0.imdb = "tt\(9_600_001 + index)"
            $0.tmdb = 1_600_001 + index
            $0.released = "\(film.year)-0\(1 + index % 9)-1\(index % 10)"
            $0.overview = "What the emulated providers say of this film is invented."
            $0.runtimeMinutes = 70 + index % 90
            $0.genres = [.drama]
            $0.certification = "PG-13"
            let tenths = 45 + index * 7 % 50
            $0.ratings = CatalogueRatings(
                tmdb: ("\(tenths / 10).\(tenths % 10)", 50 + index * 31 % 5_000),
                imdb: ("\(tenths / 10).\((tenths + 3) % 10)", 500 + index * 17), tomatoes: 30 + index * 11 % 70,
                metacritic: 30 + index * 13 % 65)
        }
    }
}
