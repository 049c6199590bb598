/// A fault of a document: the file, the place in it, and what is wrong.
package struct SpecError: Error, Sendable, Hashable, CustomStringConvertible {
    package let file: String
    /// Keys and indices joined by dots; empty for the whole document.
    package let path: String
    package let reason: String

    package var description: String { path.isEmpty ? "\(file): \(reason)" : "\(file): \(path): \(reason)" }
}

/// The YAML values that the documents consist of; members keep their order.
indirect enum SpecValue: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    /// A number that is not an integer, as written.
    case number(String)
    case string(String)
    case array([SpecValue])
    case object([(key: String, value: SpecValue)])
}

/// A value together with its place, so that every refusal can name it.
struct SpecNode: Sendable {
    let file: String
    let path: [String]
    let value: SpecValue

    func fail(_ reason: String) -> SpecError {
        SpecError(file: file, path: path.joined(separator: "."), reason: reason)
    }

    func child(_ key: String, _ value: SpecValue) -> SpecNode {
        SpecNode(file: file, path: path + [key], value: value)
    }

    /// The member `key`; nil if it is absent or this is not an object.
    subscript(key: String) -> SpecNode? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }.map { child(key, $0.value) }
    }

    func require(_ key: String) throws(SpecError) -> SpecNode {
        guard let member = self[key] else { throw fail("\(key) is missing") }
        return member
    }

    func members() throws(SpecError) -> [(key: String, node: SpecNode)] {
        guard case .object(let members) = value else { throw fail("must be an object") }
        return members.map { (key: $0.key, node: child($0.key, $0.value)) }
    }

    func elements() throws(SpecError) -> [SpecNode] {
        guard case .array(let elements) = value else { throw fail("must be a list") }
        return elements.enumerated().map { child(String($0.offset), $0.element) }
    }

    func string() throws(SpecError) -> String {
        guard case .string(let text) = value else { throw fail("must be a string") }
        return text
    }

    func int() throws(SpecError) -> Int {
        guard case .int(let number) = value else { throw fail("must be an integer") }
        return number
    }

    func bool() throws(SpecError) -> Bool {
        guard case .bool(let flag) = value else { throw fail("must be true or false") }
        return flag
    }

    /// Returns the text of a number, whether an integer or not.
    func numberText() throws(SpecError) -> String {
        switch value {
        case .int(let number): return String(number)
        case .number(let text): return text
        default: throw fail("must be a number")
        }
    }

    /// Returns the text of the member `key`; nil if it is absent.
    func text(_ key: String) throws(SpecError) -> String? { try self[key]?.string() }

    /// Whether the member `key` is present and true.
    func flag(_ key: String) throws(SpecError) -> Bool { try self[key]?.bool() ?? false }

    /// Refuses all members not among `known`.
    func only(_ known: Set<String>, _ what: String) throws(SpecError) {
        for (key, node) in try members() where !known.contains(key) {
            throw node.fail("keyword \(key) is not supported \(what)")
        }
    }
}
