import Contracts

/// The elements of one JSON file of an export. What is wrong with one of them is told in a row and loses no other; where the
/// file breaks off, what came before is read.
struct ExportElements: Sendable {
    private let path: String
    private let bytesMax: Int
    private var parts: JSONParts
    private var failure: JSONParts.Failure?
    /// Whether the file is known to break off.
    private(set) var isCutShort = false

    init(path: String, bytesMax: Int) {
        self.path = path
        self.bytesMax = bytesMax
        parts = JSONParts(bytesMax: bytesMax)
    }

    /// The elements that end in `chunk`, with their numbers from 1; once they are read, `endChunk` throws what broke it off.
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

    /// The end of the file.
    mutating func finish() throws(ImportFileFailure) {
        do throws(JSONParts.Failure) {
            try parts.finish()
        } catch {
            failure = error
        }
        try endChunk()
    }

    /// What stands for an element that was passed over since it is too large.
    func tooLarge(_ number: Int, as kind: ImportRowKind) -> ImportedRow {
        refused(number, as: kind, "the element is larger than \(bytesMax >> 10) KiB")
    }

    /// What stands for an element that cannot be read.
    func refused(_ number: Int, as kind: ImportRowKind, _ problem: String) -> ImportedRow {
        ImportedRow(kind: kind, file: path, line: number, problems: [problem])
    }
}
