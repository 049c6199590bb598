import Contracts

/// The elements of one JSON file of an export. A faulty element is reported in a row and does not affect the others; if
/// the file breaks off, everything before that is read.
struct ExportElements: Sendable {
    private let path: String
    private let bytesMax: Int
    private var parts: JSONParts
    private var failure: JSONParts.Failure?
    /// Whether the file is known to be truncated.
    private(set) var isCutShort = false

    init(path: String, bytesMax: Int) {
        self.path = path
        self.bytesMax = bytesMax
        parts = JSONParts(bytesMax: bytesMax)
    }

    /// Returns the elements that end in `chunk`, numbered from 1; once they are processed, `endChunk` throws what broke
    /// it off.
    mutating func feed(_ chunk: [UInt8]) -> [(number: Int, part: JSONParts.Part)] {
        var found: [(number: Int, part: JSONParts.Part)] = []
        do throws(JSONParts.Failure) {
            try parts.feed(chunk) { found.append((number: $0, part: $1)) }
        } catch {
            failure = error
        }
        return found
    }

    mutating func endChunk() throws(ImportFileFailure) {
        guard let failure else { return }
        isCutShort = true
        throw ImportFileFailure(failure)
    }

    /// Ends the file.
    mutating func finish() throws(ImportFileFailure) {
        do throws(JSONParts.Failure) {
            try parts.finish()
        } catch {
            failure = error
        }
        try endChunk()
    }

    /// Returns the row for an element that was skipped because it is too large.
    func tooLarge(_ number: Int, as kind: ImportRowKind) -> ImportedRow {
        refused(number, as: kind, "the element is larger than \(bytesMax >> 10) KiB")
    }

    /// Returns the row for an element that cannot be read.
    func refused(_ number: Int, as kind: ImportRowKind, _ problem: String) -> ImportedRow {
        ImportedRow(kind: kind, file: path, line: number, problems: [problem])
    }
}
