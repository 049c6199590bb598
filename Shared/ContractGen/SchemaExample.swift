/// Makes an example that fits a schema: the schema's own if it has one, else one made from its bounds.
struct SchemaExample {
    let documents: [String: SpecNode]
    let schemas: SchemaTranslator

    /// Depths from which objects show only required members, and none at all, so that examples stay short and finite.
    private static let generousDepth = 2
    private static let depthMax = 8

    /// Throws if the schema has a pattern and no example, which cannot be guessed.
    func example(of schema: SpecNode, depth: Int = 0) throws(SpecError) -> SpecValue {
        if let reference = schema["$ref"] { return try example(of: schemas.target(reference), depth: depth) }
        if let own = try schema["examples"]?.elements().first { return own.value }
        if let own = schema["example"] { return own.value }
        if let value = schema["const"] { return value.value }
        if let value = try schema["enum"]?.elements().first { return value.value }
        if let choice = try (schema["oneOf"] ?? schema["anyOf"])?.elements().first {
            return try example(of: choice, depth: depth + 1)
        }
        switch try type(of: schema) {
        case "string": return .string(try text(schema))
        case "integer": return .int(try integer(schema))
        case "number": return .number(String(try integer(schema)))
        case "boolean": return .bool(false)
        case "array":
            guard let items = schema["items"], depth < Self.depthMax else { return .array([]) }
            return .array([try example(of: items, depth: depth + 1)])
        case "object": return try object(schema, depth)
        default: return .null
        }
    }

    private func type(of schema: SpecNode) throws(SpecError) -> String? {
        guard let type = schema["type"] else { return nil }
        if case .array = type.value { return try type.elements().first?.string() }
        return try type.string()
    }

    private func text(_ schema: SpecNode) throws(SpecError) -> String {
        switch try schema.text("format") {
        case "uuid": return "01920000-0000-7000-8000-000000000001"
        case "date": return "2026-11-01"
        case "date-time": return "2026-11-01T12:00:00Z"
        case "uri": return "https://images.example/a.jpg"
        default: break
        }
        if schema["pattern"] != nil { throw schema.fail("a pattern needs an example") }
        let least = try schema["minLength"]?.int() ?? 0
        let most = try schema["maxLength"]?.int() ?? Int.max
        let text = "some text"
        return String((text + String(repeating: "x", count: max(0, least - text.count))).prefix(most))
    }

    private func integer(_ schema: SpecNode) throws(SpecError) -> Int {
        func bound(_ name: String) throws(SpecError) -> Double? {
            guard let text = try schema[name]?.numberText() else { return nil }
            return Double(text)
        }
        let least = max(try bound("minimum") ?? 1, (try bound("exclusiveMinimum") ?? 0) + 1, 1)
        let most = min(try bound("maximum") ?? 1e9, (try bound("exclusiveMaximum") ?? 1e9) - 1)
        return Int(min(least.rounded(.up), most.rounded(.down)))
    }

    private func object(_ schema: SpecNode, _ depth: Int) throws(SpecError) -> SpecValue {
        if try schema.flag("x-json") { return .object([]) }
        var members: [(key: String, value: SpecValue)] = []
        for part in try schema["allOf"]?.elements() ?? [] {
            if case .object(let inherited) = try example(of: part, depth: depth) { members += inherited }
        }
        var required: [String] = []
        for name in try schema["required"]?.elements() ?? [] { required.append(try name.string()) }
        for (name, property) in try schema["properties"]?.members() ?? [] {
            guard required.contains(name) || depth < Self.generousDepth else { continue }
            guard depth < Self.depthMax else { break }
            members.append((name, try example(of: property, depth: depth + 1)))
        }
        return .object(members)
    }
}
