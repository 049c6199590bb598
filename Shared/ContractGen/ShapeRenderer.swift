/// Third stage, shapes: the Swift type of a value and the expression that reads it.
enum ShapeRenderer {
    static func type(_ shape: Shape) -> String {
        switch shape {
        case .string, .const: "String"
        case .int: "Int"
        case .double: "Double"
        case .tenths: "DecimalTenths"
        case .bool: "Bool"
        case .date: "CalendarDate"
        case .instant: "Timestamp"
        case .json: "JSONBytes"
        case .array(let element, _, _): "[\(type(element))]"
        case .map(let value, _): "[String: \(type(value))]"
        case .nullable(let inner): "\(type(inner))?"
        case .named(let name): name
        }
    }

    /// Returns the expression after `try` that reads the shape from `reader`; `pattern` names its compiled pattern.
    static func decode(_ shape: Shape, _ reader: String, pattern: String) -> String {
        switch shape {
        case .string(let rule): return string(rule, reader, pattern)
        case .int(let range): return "\(reader).int(\(labelled("in", range)))"
        case .tenths(let range): return "\(reader).tenths(\(labelled("in", range)))"
        case .double(let rule):
            let bounds = [("min", rule.min), ("max", rule.max), ("above", rule.above), ("below", rule.below)]
            let given = bounds.compactMap { name, value in value.map { "\(name): \($0)" } }
            return "\(reader).double(\(given.joined(separator: ", ")))"
        case .bool: return "\(reader).bool()"
        case .const(let text): return "\(reader).constant(\(literal(text)))"
        case .date, .instant, .json, .named: return "\(type(shape))(from: &\(reader))"
        case .array(let element, let count, let isUnique):
            if element.isDecodable, !isUnique {
                return "\(reader).array(\((["of: \(type(element)).self"] + self.count(count)).joined(separator: ", ")))"
            }
            let function = isUnique ? "uniqueArray" : "array"
            return "\(reader).\(function)\(arguments(self.count(count))) \(closure(element, pattern))"
        case .map(let value, let count):
            return "\(reader).map\(arguments(self.count(count))) \(closure(value, pattern))"
        case .nullable(let inner):
            // The type is explicit, since null must not be taken for the absence of the member.
            return "\(reader).nullable \(closure(inner, pattern)) as \(type(inner))?"
        }
    }

    static func closure(_ shape: Shape, _ pattern: String) -> String {
        let body = decode(shape, "json", pattern: pattern).split(separator: "\n").joined(separator: "\n    ")
        return "{\n    (json: inout JSONReader) throws(JSONError) in\n    try \(body)\n}"
    }

    private static func arguments(_ list: [String]) -> String {
        list.isEmpty ? "" : "(\(list.joined(separator: ", ")))"
    }

    private static func string(_ rule: StringRule, _ reader: String, _ pattern: String) -> String {
        var arguments: [String] = []
        if rule.min > 0 || rule.max < .max || rule.pattern != nil { arguments.append("min: \(rule.min)") }
        if rule.max < .max { arguments.append("max: \(rule.max)") }
        if rule.pattern != nil { arguments.append("pattern: \(pattern)") }
        if rule.format == .uri, rule.min == 0 { arguments.removeAll { $0 == "min: 0" } }
        return "\(reader).\(rule.format == .uri ? "uri" : "string")(\(arguments.joined(separator: ", ")))"
    }

    private static func labelled(_ label: String, _ range: ClosedRange<Int>) -> String {
        range == Int.min...Int.max ? "" : "\(label): \(bound(range.lowerBound))...\(bound(range.upperBound))"
    }

    private static func bound(_ value: Int) -> String {
        value == .min ? "Int.min" : value == .max ? "Int.max" : String(value)
    }

    private static func count(_ count: ClosedRange<Int>) -> [String] {
        var arguments: [String] = []
        if count.lowerBound > 0 { arguments.append("min: \(count.lowerBound)") }
        if count.upperBound < .max { arguments.append("max: \(count.upperBound)") }
        return arguments
    }
}

extension Shape {
    /// Whether the Swift type alone determines how to read it.
    var isDecodable: Bool {
        switch self {
        case .named, .date, .instant, .json, .bool: true
        case .string(let rule): rule == StringRule()
        default: false
        }
    }

    /// The pattern anywhere in the shape; there is at most one, since patterns belong to strings.
    var pattern: String? {
        switch self {
        case .string(let rule): rule.pattern
        case .array(let inner, _, _), .map(let inner, _), .nullable(let inner): inner.pattern
        default: nil
        }
    }
}
