package import Contracts
import JSON

/// Reads `reelay.json`, in which everything of a person stands as rows in our own words, so that nothing is guessed.
package struct LosslessReader: Sendable {
    /// What the file is called, in whatever folder it lies.
    package static let name = "reelay.json"
    /// The version that is written and read.
    package static let version = 1

    private let path: String
    private var elements: JSONParts
    private let elementBytesMax: Int
    private var isKnown = false
    /// Whether the file breaks off.
    package private(set) var isCutShort = false

    package init(path: String, elementBytesMax: Int) {
        self.path = path
        self.elementBytesMax = elementBytesMax
        elements = JSONParts(bytesMax: elementBytesMax)
    }

    package static func reads(_ path: String) -> Bool { path.split(separator: "/").last?.lowercased() == name }

    /// Whether a row stands for exactly what it says: such a row is not merged with others of its title.
    package static func wrote(_ row: ImportedRow) -> Bool { reads(row.file) }

    package mutating func feed(_ chunk: [UInt8], _ show: (ImportedRow) -> Void) throws(ImportFileFailure) {
        var found: [(Int, JSONParts.Part)] = []
        var failure: JSONParts.Failure?
        do throws(JSONParts.Failure) {
            try elements.feed(chunk) { found.append(($0, $1)) }
        } catch {
            failure = error
        }
        // What came before the break is read.
        for (number, part) in found {
            switch part {
            case .element(let element):
                if isKnown { show(row(element, number)) } else { try begin(element) }
            case .tooLarge:
                guard isKnown else { throw Self.notOurs }
                show(
                    ImportedRow(
                        kind: .play, file: path, line: number,
                        problems: ["the element is larger than \(elementBytesMax >> 10) KiB"]))
            }
        }
        guard let failure else { return }
        isCutShort = true
        throw ImportFileFailure(failure)
    }

    package mutating func finish() throws(ImportFileFailure) {
        do throws(JSONParts.Failure) {
            try elements.finish()
        } catch {
            isCutShort = true
            throw ImportFileFailure(error)
        }
    }

    private static let notOurs = ImportFileFailure("the first element does not say that Reelay wrote the file")

    /// The first element says what the file is.
    private mutating func begin(_ element: [UInt8]) throws(ImportFileFailure) {
        let head = try? decodeJSON(JSONValue.self, from: element, unknownMembers: .tolerate)
        guard let version = head?["reelay"].int else {
            throw Self.notOurs
        }
        guard version == Self.version else {
            throw ImportFileFailure("this is version \(version) of the file; version \(Self.version) is read here")
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
            return ImportedRow(
                kind: .shown, file: path, line: number,
                problems: [String("the element is no row: \(error)".prefix(300))])
        }
    }
}
