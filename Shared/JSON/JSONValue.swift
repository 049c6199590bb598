/// Any JSON value as a tree, for texts whose shape is decided by others; numbers keep their text.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// A number as written.
package struct JSONNumber: Sendable, Hashable {
    /// The JSON text of the number.
    package let text: String

    init(checked text: String) { self.text = text }

    package init(_ value: Int) { text = String(value) }

    /// `value` must be finite.
    package init(_ value: Double) { text = JSONWriter.text(value) }

    /// The value, if it is an integer that fits.
    package var int: Int? {
        if let value = Int(text) { return value }
        return try? decodeJSON(Int.self, from: Array(text.utf8))
    }

    /// The nearest double; nil if the number is too large for one.
    package var double: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }
}

/// The members of an object in order; equality ignores the order.
package struct JSONObject: Sendable {
    package var members: [(name: String, value: JSONValue)]

    /// Names must be distinct.
    package init(_ members: [(name: String, value: JSONValue)] = []) { self.members = members }

    package subscript(name: String) -> JSONValue? { members.first { $0.name == name }?.value }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.members.count == right.members.count else { return false }
        return zip(left.members, right.members).allSatisfy { $0.name == $1.name && $0.value == $1.value }
            || left.members.allSatisfy { right[$0.name] == $0.value }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        hasher.combine(members.reduce(0) { $0 ^ $1.name.hashValue })
    }
}

/// Lenient access: what is absent or of another kind is null or nil.
extension JSONValue {
    package subscript(name: String) -> JSONValue {
        guard case .object(let object) = self else { return .null }
        return object[name] ?? .null
    }

    package subscript(index: Int) -> JSONValue {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return .null }
        return elements[index]
    }

    package var isNull: Bool { self == .null }

    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var number: JSONNumber? { if case .number(let value) = self { value } else { nil } }
    package var int: Int? { number?.int }
    package var double: Double? { number?.double }
    /// The elements; empty if the value is not an array.
    package var array: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
}

extension JSONValue: JSONCodable {
    package init(from reader: inout JSONReader) throws(JSONError) {
        switch reader.peekKind() {
        case .string: self = .string(try reader.string())
        case .number: self = .number(try reader.number())
        case .bool: self = .bool(try reader.bool())
        case .array: self = .array(try reader.array(of: JSONValue.self))
        case .object:
            var members = try reader.beginObject()
            var object = JSONObject()
            while let name = try reader.nextName(&members) {
                object.members.append((name, try JSONValue(from: &reader)))
            }
            self = .object(object)
        case .null, nil:
            guard try reader.null() else { throw reader.syntax() }
            self = .null
        }
    }

    package func encode(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .number(let value): writer.raw(Array(value.text.utf8))
        case .string(let value): writer.string(value)
        case .array(let elements): elements.encode(to: &writer)
        case .object(let object):
            writer.raw("{")
            for (name, value) in object.members {
                writer.member(name: name)
                value.encode(to: &writer)
            }
            writer.raw("}")
        }
    }
}

extension JSONReader {
    /// Reads a number and keeps its text.
    package mutating func number() throws(JSONError) -> JSONNumber {
        JSONNumber(checked: text(try number("a number")))
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    package init(floatLiteral value: Double) { self = .number(JSONNumber(value)) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(JSONObject(members.map { (name: $0.0, value: $0.1) }))
    }
}
