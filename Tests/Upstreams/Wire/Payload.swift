package import JSON

/// Shorthand for building payloads.
extension JSONValue {
    /// An object with its members in the given order.
    package static func members(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(JSONObject(members.map { (name: $0.key, value: $0.value) }))
    }

    /// A string, or null.
    package static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

    /// A whole number, or null.
    package static func whole(_ value: Int?) -> JSONValue { value.map { .number(JSONNumber($0)) } ?? .null }

    /// A number written as given, such as "7.912" or "0.0".
    package static func figure(_ text: String) -> JSONValue {
        (try? decodeJSON(JSONValue.self, from: Array(text.utf8))) ?? .null
    }

    /// The object with further members at its end; any other value unchanged.
    package func adding(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        guard case .object(var object) = self else { return self }
        object.members += members.map { (name: $0.key, value: $0.value) }
        return .object(object)
    }

    /// The value with numbers as strings and strings as numbers, in members named `field` or, without one, in all.
    package func withWrongTypes(in field: String?, isInside: Bool = false) -> JSONValue {
        switch self {
        case .object(let object):
            return .object(
                JSONObject(
                    object.members.map {
                        let hit = isInside || field == nil || $0.name == field
                        return (name: $0.name, value: $0.value.withWrongTypes(in: field, isInside: hit))
                    }))
        case .array(let elements):
            return .array(elements.map { $0.withWrongTypes(in: field, isInside: isInside || field == nil) })
        case .number(let number): return isInside ? .string("figure \(number.text)") : self
        case .string(let text): return isInside ? .number(JSONNumber(text.utf8.count)) : self
        case .bool, .null: return isInside ? [self] : self
        }
    }
}
