import CSV
import Cryptography
import Foundation

/// The reason why the evaluation cannot run.
struct EvaluationError: Error, CustomStringConvertible {
    let description: String
}

/// A film as named in the export.
struct ExportFilm: Hashable {
    let name: String
    /// The year as written: four digits or nothing.
    let yearText: String

    var year: Int? { Int(yearText) }

    /// The key of the film's label, a hash so that the labels contain nothing of the export.
    var key: String { String(SHA256.hash("\(name)\u{1f}\(yearText)").description.prefix(16)) }
}

/// A film of the CC0 set.
struct FreeFilm {
    let imdb: String
    let name: String
    let year: Int?
    let minutes: Int?
}

/// The decision of a person who compared the film's name and year with those of the set.
enum Label {
    case film(imdb: String)
    /// The set does not have the film.
    case absent
    /// The export has the same film under another name, which has this key.
    case alias(String)
}

enum Files {
    /// The records of a CSV file.
    static func records(_ path: String) throws -> [[String]] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw EvaluationError(description: "cannot read \(path)")
        }
        var reader = CSVReader()
        var records: [[String]] = []
        let keep: (borrowing CSVRecord) -> Void = { record in
            records.append((0..<record.count).map { record.text($0) ?? "" })
        }
        try reader.feed([UInt8](data), keep)
        try reader.finish(keep)
        return records
    }

    static func freeFilms(_ path: String) throws -> [FreeFilm] {
        try records(path).dropFirst().map {
            FreeFilm(imdb: $0[0], name: $0[1], year: Int($0[2]), minutes: Int($0[3]))
        }
    }

    /// The film in every row of those files of an export that list films.
    static func exportRows(_ folder: String) throws -> [ExportFilm] {
        guard let names = FileManager.default.enumerator(atPath: folder) else {
            throw EvaluationError(description: "no folder \(folder)")
        }
        let files = names.compactMap { $0 as? String }.filter { $0.hasSuffix(".csv") }.sorted()
        var rows: [ExportFilm] = []
        for file in files {
            var columns: (name: Int, year: Int)?
            for record in try records(folder + "/" + file) {
                if let name = record.firstIndex(of: "Name"), let year = record.firstIndex(of: "Year") {
                    columns = (name, year)
                } else if let columns, record.count > max(columns.name, columns.year), !record[columns.name].isEmpty {
                    rows.append(ExportFilm(name: record[columns.name], yearText: record[columns.year]))
                }
            }
        }
        return rows
    }

    static func labels(_ path: String) throws -> [String: Label] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw EvaluationError(description: "cannot read \(path)")
        }
        var labels: [String: Label] = [:]
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            guard words.count == 2 else { throw EvaluationError(description: "no label: \(line)") }
            labels[String(words[0])] =
                switch words[1].first {
                case "-": .absent
                case "=": .alias(String(words[1].dropFirst()))
                default: .film(imdb: String(words[1]))
                }
        }
        return labels
    }
}
