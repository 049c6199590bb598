import Foundation

/// A JSON or YAML value, parsed by Foundation or Yams and so independent of the codecs under test.
enum Tree: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case list([Tree])
    case object([String: Tree])

    /// Creates a tree from the result of a YAML parser.
    init(yaml value: Any?) {
        switch value {
        case let value as Bool: self = .bool(value)
        case let value as Int: self = .number(Double(value))
        case let value as Double: self = .number(value)
        case let value as String: self = .string(value)
        case let value as [Any?]: self = .list(value.map(Tree.init(yaml:)))
        case let value as [String: Any?]: self = .object(value.mapValues(Tree.init(yaml:)))
        case let value as Date: self = .string(value.ISO8601Format())
        default: self = .null
        }
    }

    init(json bytes: Data) throws { self = try JSONDecoder().decode(Tree.self, from: bytes) }

    subscript(name: String) -> Tree? { if case .object(let members) = self { members[name] } else { nil } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Double? { if case .number(let number) = self { number } else { nil } }
    var items: [Tree] { if case .list(let items) = self { items } else { [] } }
    var members: [String: Tree] { if case .object(let members) = self { members } else { [:] } }

    /// Returns the value at a path such as `session.id` or `items.0.id`.
    func value(at path: String) -> Tree? {
        path.split(separator: ".").reduce(Optional(self)) { node, step in
            if case .list(let items)? = node {
                return Int(step).flatMap { items.indices.contains($0) ? items[$0] : nil }
            }
            return node?[String(step)]
        }
    }

    /// Returns the same tree with every string in `names` replaced.
    func renaming(_ names: [String: String]) -> Tree {
        switch self {
        case .string(let text): .string(names[text] ?? text)
        case .list(let items): .list(items.map { $0.renaming(names) })
        case .object(let members): .object(members.mapValues { $0.renaming(names) })
        default: self
        }
    }

    /// The JSON text, with sorted members.
    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}

extension Tree: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([Tree].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: Tree].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value):
            if let whole = Int64(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
        case .string(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
