package import Contracts
import JSON

/// Reads `reelay.json`, which holds all of a person's data as rows in our own terms, so that nothing is guessed.
package struct LosslessReader: Sendable {
    /// The name of the file, in any folder.
    package static let name = "reelay.json"
    /// The version that is written and read.
    package static let version = 1

    private let path: String
    private var elements: ExportElements
    private var isKnown = false

    package init(path: String, elementBytesMax: Int) {
        self.path = path
        elements = ExportElements(path: path, bytesMax: elementBytesMax)
    }

    /// Whether the file is truncated.
    package var isCutShort: Bool { elements.isCutShort }

    package static func reads(_ path: String) -> Bool { path.split(separator: "/").last?.lowercased() == name }

    /// Whether a row means exactly what it says: such a row is not merged with others of its title.
    package static func wrote(_ row: ImportedRow) -> Bool { reads(row.file) }

    package mutating func feed(_ chunk: [UInt8], _ show: (ImportedRow) -> Void) throws(ImportFileFailure) {
        for (number, part) in elements.feed(chunk) {
            switch part {
            case .element(let element):
                if isKnown { show(row(element, number)) } else { try begin(element) }
            case .tooLarge:
                guard isKnown else { throw Self.notOurs }
                show(elements.tooLarge(number, as: .play))
            }
        }
        try elements.endChunk()
    }

    package mutating func finish() throws(ImportFileFailure) { try elements.finish() }

    private static let notOurs = ImportFileFailure("the first element does not say that Reelay wrote the file")

    /// Reads the first element, which identifies the file.
    private mutating func begin(_ element: [UInt8]) throws(ImportFileFailure) {
        let head = try? decodeJSON(JSONValue.self, from: element, unknownMembers: .tolerate)
        guard let version = head?["reelay"].int else {
            throw Self.notOurs
        }
        guard version == Self.version else {
            throw ImportFileFailure("the file has version \(version); this installation reads version \(Self.version)")
        }
        isKnown = true
    }

    private func row(_ element: [UInt8], _ number: Int) -> ImportedRow {
        do throws(JSONError) {
            var row = try decodeJSON(ImportedRow.self, from: element, unknownMembers: .tolerate)
            (row.file, row.line) = (path, number)
            if row.kind == .list {
                if row.list == nil { row.problems = ["the element names no list"] }
            } else if row.kind != .shown, row.title == nil {
                row.problems = ["the element names no title"]
            }
            return row
        } catch {
            return elements.refused(number, as: .shown, String("the element is not a row: \(error)".prefix(300)))
        }
    }
}
