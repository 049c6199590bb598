package import Contracts
import CSV

/// Why a file could not be read, or not completely, in a sentence for the owner of the file.
package struct ImportFileFailure: Error, Sendable, Hashable {
    package let sentence: String
    /// What the file could be, if the person must say.
    package let mayBe: [ImportFileKind]

    init(_ sentence: String, mayBe: [ImportFileKind] = []) {
        self.sentence = sentence
        self.mayBe = mayBe
    }
}

/// Reads one file of any supported export: bytes to rows. The file is recognized by its start, its path and its name.
package struct ImportFileReader: Sendable {
    private enum Format {
        case letterboxd(LetterboxdReader, LetterboxdRows)
        case imdb(IMDbReader)
        case films(FilmTableReader)
        case ratings(RatingTableReader)
        case trakt(TraktExportReader)
        case lossless(LosslessReader)
        /// The file belongs to no export.
        case foreign
    }

    private let path: String
    private var format: Format
    /// What readers of other files of the same export have found.
    package private(set) var lists: [String: TraktExportReader.ListHeader]

    /// `front` is the first piece of the file; `kind` is what the person says it is; `isLone` says whether nothing else
    /// was sent.
    package init(
        path: String, front: [UInt8], kind: ImportFileKind?, lists: [String: TraktExportReader.ListHeader] = [:],
        isLone: Bool = false, limits: ImportLimits = ImportLimits()
    ) {
        self.path = path
        self.lists = lists
        if LetterboxdFile.isForeign(path) {
            format = .foreign
        } else if LosslessReader.reads(path) {
            format = .lossless(LosslessReader(path: path, elementBytesMax: limits.losslessElementBytesMax))
        } else if let file = TraktExportFile(path: path) {
            let bytesMax = file.holdsShows ? limits.showElementBytesMax : limits.elementBytesMax
            format = .trakt(TraktExportReader(file: file, path: path, lists: lists, elementBytesMax: bytesMax))
        } else if path.lowercased().hasSuffix(".json") {
            format = .foreign
        } else if IMDbReader.recognises(front: front) {
            format = .imdb(IMDbReader(path: path, isLone: isLone))
        } else if RatingTableReader.recognises(front: front) {
            format = .ratings(RatingTableReader(path: path))
        } else if FilmTableReader.recognises(front: front) {
            format = .films(FilmTableReader(path: path))
        } else {
            format = .letterboxd(
                LetterboxdReader(path: path, kind: kind.map(LetterboxdFile.Kind.init)), LetterboxdRows(path: path))
        }
    }

    /// Nil for a file that belongs to no export, and until the export is known.
    package var source: ImportSource? {
        switch format {
        case .letterboxd(_, let rows): rows.recognisedAs == nil ? nil : .letterboxd
        case .imdb: .imdb
        case .films, .ratings, .lossless: .reelay
        case .trakt: .trakt
        case .foreign: nil
        }
    }

    package var recognisedAs: String? {
        switch format {
        case .letterboxd(_, let rows): rows.recognisedAs
        case .imdb(let reader): reader.kind.map { "imdb \($0 == .listItem ? "list" : $0.rawValue)" }
        case .films: "table of films"
        case .ratings: "table of ratings"
        case .trakt(let reader): "trakt \(reader.file.name)"
        case .lossless: "Reelay export"
        case .foreign: nil
        }
    }

    package var isForeign: Bool { if case .foreign = format { true } else { false } }

    /// Whether the export itself says that something is missing, or the file is truncated.
    package var isPartial: Bool {
        switch format {
        case .trakt(let reader): reader.isPartial
        case .lossless(let reader): reader.isCutShort
        case .letterboxd(let reader, _): reader.isCutShort
        case .imdb(let reader): reader.isCutShort
        case .films(let reader): reader.isCutShort
        case .ratings(let reader): reader.isCutShort
        case .foreign: false
        }
    }

    /// Returns the row for an item; one that cannot be read still is a row.
    private static func row(
        _ item: LetterboxdReader.Item, _ rows: inout LetterboxdRows, _ path: String
    ) -> ImportedRow? {
        guard case .row(let row) = item, let refusal = row.refusal else { return rows.row(item) }
        return ImportedRow(kind: .watched, file: path, row.line, refusal)
    }

    package mutating func feed(_ piece: [UInt8], _ show: (ImportedRow) -> Void) throws(ImportFileFailure) {
        switch format {
        case .letterboxd(var reader, var rows):
            // Taken out and put back: otherwise what the reader holds would be copied for each piece.
            format = .foreign
            defer { format = .letterboxd(reader, rows) }
            do throws(LetterboxdReader.Failure) {
                try reader.feed(piece) { item in if let row = Self.row(item, &rows, path) { show(row) } }
            } catch {
                throw ImportFileFailure(error)
            }
        case .imdb(var reader):
            format = .foreign
            defer { format = .imdb(reader) }
            do throws(CSVError) {
                try reader.feed(piece, show)
            } catch {
                throw ImportFileFailure(LetterboxdReader.Failure.csv(error))
            }
        case .films(var reader):
            format = .foreign
            defer { format = .films(reader) }
            do throws(CSVError) {
                try reader.feed(piece, show)
            } catch {
                throw ImportFileFailure(LetterboxdReader.Failure.csv(error))
            }
        case .ratings(var reader):
            format = .foreign
            defer { format = .ratings(reader) }
            do throws(CSVError) {
                try reader.feed(piece, show)
            } catch {
                throw ImportFileFailure(LetterboxdReader.Failure.csv(error))
            }
        case .trakt(var reader):
            format = .foreign
            defer {
                lists = reader.lists
                format = .trakt(reader)
            }
            try reader.feed(piece, show)
        case .lossless(var reader):
            format = .foreign
            defer { format = .lossless(reader) }
            try reader.feed(piece, show)
        case .foreign: break
        }
    }

    package mutating func finish(_ show: (ImportedRow) -> Void) throws(ImportFileFailure) {
        switch format {
        case .letterboxd(var reader, var rows):
            format = .foreign
            defer { format = .letterboxd(reader, rows) }
            do throws(LetterboxdReader.Failure) {
                try reader.finish { item in if let row = Self.row(item, &rows, path) { show(row) } }
            } catch {
                throw ImportFileFailure(error)
            }
        case .imdb(var reader):
            format = .foreign
            defer { format = .imdb(reader) }
            do throws(CSVError) {
                try reader.finish(show)
            } catch {
                throw ImportFileFailure(LetterboxdReader.Failure.csv(error))
            }
        case .films(var reader):
            format = .foreign
            defer { format = .films(reader) }
            do throws(CSVError) {
                try reader.finish(show)
            } catch {
                throw ImportFileFailure(LetterboxdReader.Failure.csv(error))
            }
        case .ratings(var reader):
            format = .foreign
            defer { format = .ratings(reader) }
            do throws(CSVError) {
                try reader.finish(show)
            } catch {
                throw ImportFileFailure(LetterboxdReader.Failure.csv(error))
            }
        case .trakt(var reader):
            defer { format = .trakt(reader) }
            try reader.finish()
        case .lossless(var reader):
            defer { format = .lossless(reader) }
            try reader.finish()
        case .foreign: break
        }
    }
}

extension ImportFileFailure {
    init(_ failure: LetterboxdReader.Failure) {
        switch failure {
        case .csv(.onlyNUL): self.init("the file consists of nothing but zero bytes, as in a damaged archive")
        case .csv(.notUTF8): self.init("the file is not UTF-8")
        case .csv(.refusedHeader(let refusal, let line)): self.init(refusal.sentence(line: line))
        case .unclear(let kinds):
            self.init(
                "the header fits \(kinds.map(\.rawValue).joined(separator: ", ")): say which it is",
                mayBe: kinds.compactMap(ImportFileKind.init))
        case .unknown: self.init("the header does not belong to a known export")
        }
    }

    init(_ failure: JSONParts.Failure) {
        switch failure {
        case .broken(let element): self.init("the JSON breaks off at element \(element)")
        }
    }
}

extension CSVRefusal {
    /// A sentence for the owner of the file.
    func sentence(line: Int) -> String {
        switch self {
        case .tooLong: "the row on line \(line) is too long"
        case .tooManyFields: "the row on line \(line) has too many fields"
        case .openQuote: "the file ends within quotes that begin on line \(line)"
        }
    }
}

extension ImportedRow {
    /// Creates the row that stands for a refused one. A meaningful `kind` makes it `invalid` instead of `shown`.
    init(kind: ImportRowKind, file: String, _ line: Int, _ refusal: CSVRefusal) {
        self.init(kind: kind, file: file, line: line, problems: [refusal.sentence(line: line)])
    }
}
