import Foundation

/// Checks a JSON value against a JSON Schema; written independently of the generator so that neither hides the other's
/// bugs.
///
/// Supports what `proto/` uses; an unknown keyword is itself reported, so that nothing goes unchecked.
struct SchemaCheck {
    let documents: ContractDocuments

    /// Returns every violation in `value` of `schema` in `file`, each with its path, or none if it conforms.
    func faults(_ value: Tree, _ schema: Tree, in file: String, at path: String) -> [String] {
        if let reference = schema["$ref"]?.text {
            let (target, targetFile) = documents.resolve(reference, from: file)
            return faults(value, target, in: targetFile, at: path)
        }
        var found = schema.members.keys.filter { !Self.known.contains($0) && !$0.hasPrefix("x-") }.map {
            "\(path): the schema uses \($0), which this check does not know"
        }
        let types = schema["type"]?.text.map { [$0] } ?? schema["type"]?.items.compactMap(\.text) ?? []
        guard types.isEmpty || types.contains(where: { fits(value, $0) }) else {
            return found + ["\(path): \(value) is no \(types.joined(separator: " or "))"]
        }
        switch value {
        case .string(let text): found += faults(text: text, schema, at: path)
        case .number(let number): found += faults(number: number, schema, at: path)
        case .list(let items): found += faults(items: items, schema, in: file, at: path)
        case .object(let members): found += faults(members: members, schema, in: file, at: path)
        case .null, .bool: break
        }
        return found
    }

    private static let known: Set<String> = [
        "$ref", "type", "enum", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "multipleOf",
        "items", "minItems", "maxItems", "uniqueItems", "properties", "required", "additionalProperties", "description",
        "examples", "title", "contentMediaType", "contentSchema",
    ]

    private func fits(_ value: Tree, _ type: String) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.string, "string"), (.bool, "boolean"), (.number, "number"), (.list, "array"),
            (.object, "object"):
            true
        case (.number(let number), "integer"): number == number.rounded()
        default: false
        }
    }

    private func faults(text: String, _ schema: Tree, at path: String) -> [String] {
        var found: [String] = []
        let length = Double(text.unicodeScalars.count)
        if let least = schema["minLength"]?.number, length < least { found.append("\(path): is too short") }
        if let most = schema["maxLength"]?.number, length > most { found.append("\(path): is too long") }
        if let allowed = schema["enum"]?.items, !allowed.contains(.string(text)) {
            found.append("\(path): \(text) is none of the documented values")
        }
        let shapes = [schema["pattern"]?.text, schema["format"]?.text.flatMap { Self.formats[$0] }].compactMap(\.self)
        for shape in shapes where text.range(of: shape, options: .regularExpression) == nil {
            found.append("\(path): \(text) does not match \(shape)")
        }
        return found
    }

    private static let formats = [
        "uuid": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "date": #"^\d{4}-\d{2}-\d{2}$"#,
        "date-time": #"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$"#,
        "uri": "^[a-z][a-z0-9+.-]*:[^ ]+$",
    ]

    private func faults(number: Double, _ schema: Tree, at path: String) -> [String] {
        var found: [String] = []
        if let least = schema["minimum"]?.number, number < least {
            found.append("\(path): \(number) is below \(least)")
        }
        if let most = schema["maximum"]?.number, number > most { found.append("\(path): \(number) is above \(most)") }
        if let step = schema["multipleOf"]?.number, abs(number / step - (number / step).rounded()) > 1e-9 {
            found.append("\(path): \(number) is no multiple of \(step)")
        }
        return found
    }

    private func faults(items: [Tree], _ schema: Tree, in file: String, at path: String) -> [String] {
        var found: [String] = []
        if let most = schema["maxItems"]?.number, Double(items.count) > most {
            found.append("\(path): has too many items")
        }
        if schema["uniqueItems"] == .bool(true), Set(items).count < items.count {
            found.append("\(path): repeats itself")
        }
        if let each = schema["items"] {
            for (index, item) in items.enumerated() { found += faults(item, each, in: file, at: "\(path)[\(index)]") }
        }
        return found
    }

    private func faults(members: [String: Tree], _ schema: Tree, in file: String, at path: String) -> [String] {
        if schema["x-json"] == .bool(true) { return [] }
        let required = schema["required"]?.items.compactMap(\.text) ?? []
        var found = required.filter { members[$0] == nil }.map { "\(path).\($0): is missing" }
        for (name, value) in members {
            if let property = schema["properties"]?[name] {
                found += faults(value, property, in: file, at: "\(path).\(name)")
            } else {
                found.append("\(path).\(name): is not documented")
            }
        }
        return found
    }
}
