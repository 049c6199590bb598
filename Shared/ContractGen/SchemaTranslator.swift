import JSON

/// Second stage, schemas: translates JSON Schema in the supported subset to shapes and declarations; refuses everything
/// else.
struct SchemaTranslator {
    private let documents: [String: SpecNode]
    private(set) var declarations: [String: Declaration] = [:]
    /// The shapes of references already translated, by file and pointer.
    private var resolved: [String: Shape] = [:]
    private var inProgress: Set<String> = []

    init(documents: [String: SpecNode]) { self.documents = documents }

    private static let annotations: Set<String> = ["description", "examples", "example", "title", "x-secret"]

    /// Adds a type that no schema declares, such as the params of a method. Two services may have methods of the same
    /// name: identical types are one type.
    mutating func declare(_ declaration: Declaration, _ node: SpecNode) throws(SpecError) {
        guard SwiftName.isType(declaration.name) else {
            throw node.fail("\(declaration.name) is not a valid name for a type")
        }
        if let other = declarations.updateValue(declaration, forKey: declaration.name), other != declaration {
            throw node.fail("the type \(declaration.name) is declared twice, and differently")
        }
    }

    /// Returns the shape of `schema`; an inline object or enumeration is declared as `name` unless it has a title.
    mutating func shape(_ schema: SpecNode, name: String) throws(SpecError) -> Shape {
        if schema["$ref"] != nil { return try reference(schema) }
        if let variants = schema["oneOf"] ?? schema["anyOf"] { return try choice(schema, variants, name) }
        if schema["allOf"] != nil { return try object(schema, name) }
        if let constant = schema["const"] {
            try schema.only(Self.annotations.union(["const", "type"]), "beside const")
            guard try schema.text("type") ?? "string" == "string" else {
                throw schema.fail("only strings can be const")
            }
            return .const(try constant.string())
        }
        guard let type = schema["type"] else { throw schema.fail("has neither type nor $ref") }
        if case .array = type.value {
            let types = try type.elements()
            guard types.count == 2, case .string(let first) = types[0].value, first != "null",
                case .string("null") = types[1].value
            else { throw type.fail("a list of types must be [X, 'null']") }
            return .nullable(try typed(schema, first, name))
        }
        return try typed(schema, try type.string(), name)
    }

    private mutating func typed(_ schema: SpecNode, _ type: String, _ name: String) throws(SpecError) -> Shape {
        switch type {
        case "string": return try string(schema, name)
        case "integer": return try integer(schema)
        case "number": return try number(schema)
        case "boolean":
            try only(schema, ["type"], "boolean")
            return .bool
        case "array": return try array(schema, name)
        case "object": return try object(schema, name)
        default: throw schema.fail("type \(type) is not supported")
        }
    }

    private func only(_ schema: SpecNode, _ known: Set<String>, _ type: String) throws(SpecError) {
        try schema.only(known.union(Self.annotations), "for type \(type)")
    }
}

// MARK: - References and choices

extension SchemaTranslator {
    /// Returns the node that `reference` (`file#/a/b` or `#/a/b`) points to.
    func target(_ node: SpecNode) throws(SpecError) -> SpecNode {
        let reference = try node.string()
        guard let hash = reference.firstIndex(of: "#") else { throw node.fail("\(reference) has no #") }
        let file = hash == reference.startIndex ? node.file : String(reference[..<hash])
        guard var target = documents[file] else { throw node.fail("there is no document \(file)") }
        for part in reference[hash...].dropFirst().split(separator: "/") {
            guard let next = target[String(part)] else { throw node.fail("\(reference) leads nowhere") }
            target = next
        }
        return target
    }

    private mutating func reference(_ schema: SpecNode) throws(SpecError) -> Shape {
        try schema.only(["$ref", "description"], "beside $ref")
        let target = try target(try schema.require("$ref"))
        let key = target.file + "#" + target.path.joined(separator: "/")
        if let shape = resolved[key] { return shape }
        guard let name = target.path.last else { throw schema.fail("$ref must name a schema") }
        let typeName = try target.text("title") ?? SwiftName.upperFirst(name)
        guard inProgress.insert(key).inserted else {
            // A recursive type is known by its name before it is complete.
            return .named(typeName)
        }
        let shape = try shape(target, name: typeName)
        resolved[key] = shape
        inProgress.remove(key)
        return shape
    }

    private mutating func choice(
        _ schema: SpecNode, _ variants: SpecNode, _ name: String
    ) throws(SpecError) -> Shape {
        let all = try variants.elements()
        if all.count == 2,
            let null = all.firstIndex(where: { node in
                if case .string("null")? = node["type"]?.value { true } else { false }
            })
        {
            try schema.only(["oneOf", "anyOf", "description"], "beside a choice with null")
            return .nullable(try shape(all[1 - null], name: name))
        }
        guard schema["oneOf"] != nil else { throw schema.fail("anyOf is only supported with null") }
        try schema.only(Self.annotations.union(["oneOf", "discriminator"]), "beside oneOf")
        guard let tag = try schema["discriminator"]?.text("propertyName") else {
            throw schema.fail("oneOf needs a discriminator with propertyName")
        }
        var cases: [UnionCase] = []
        for variant in all {
            guard case .named(let record) = try shape(variant, name: name),
                case .record(let declaration)? = declarations[record],
                let property = declaration.properties.first(where: { $0.wireName == tag }), property.isRequired,
                case .const(let value) = property.shape
            else { throw variant.fail("must be an object whose required member \(tag) is const") }
            if cases.contains(where: { $0.tag == value }) { throw variant.fail("\(tag) \(value) is given twice") }
            cases.append(UnionCase(tag: value, record: record))
        }
        let typeName = try schema.text("title") ?? name
        let doc = try schema.text("description")
        try declare(.union(name: typeName, doc: doc, tag: tag, cases: cases), schema)
        return .named(typeName)
    }
}

// MARK: - Scalars

extension SchemaTranslator {
    private mutating func string(_ schema: SpecNode, _ name: String) throws(SpecError) -> Shape {
        if schema["enum"] != nil { return try enumeration(schema, name) }
        try only(schema, ["type", "minLength", "maxLength", "pattern", "format", "x-swift-type"], "string")
        let format = try schema.text("format")
        let typeName = try schema.text("x-swift-type")
        let doc = try schema.text("description")
        switch format {
        case "uuid":
            guard let typeName else { throw schema.fail("format uuid needs x-swift-type") }
            try refuse(schema, ["minLength", "maxLength", "pattern"], "beside format uuid")
            try declare(.identifier(name: typeName, doc: doc), schema)
            return .named(typeName)
        case "date", "date-time":
            try refuse(schema, ["minLength", "maxLength", "pattern", "x-swift-type"], "beside format \(format ?? "")")
            return format == "date" ? .date : .instant
        case nil, "uri": break
        case let other?: throw schema.fail("format \(other) is not supported")
        }
        var rule = StringRule()
        rule.format = format == "uri" ? .uri : .any
        if let min = schema["minLength"] { rule.min = try size(min) }
        if let max = schema["maxLength"] { rule.max = try size(max) }
        guard rule.min <= rule.max else { throw schema.fail("minLength is above maxLength") }
        if let pattern = schema["pattern"] {
            let text = try pattern.string()
            do throws(TextPattern.Unsupported) {
                _ = try TextPattern(parsing: text)
            } catch {
                throw pattern.fail("the pattern \(text) is not supported: it \(error.reason)")
            }
            if format != nil { throw pattern.fail("keyword pattern is not supported beside format") }
            rule.pattern = text
        }
        guard let typeName else { return .string(rule) }
        try declare(.text(name: typeName, doc: doc, rule: rule), schema)
        return .named(typeName)
    }

    private func refuse(_ schema: SpecNode, _ keywords: [String], _ why: String) throws(SpecError) {
        for keyword in keywords {
            if let node = schema[keyword] { throw node.fail("keyword \(keyword) is not supported \(why)") }
        }
    }

    private func size(_ node: SpecNode) throws(SpecError) -> Int {
        let value = try node.int()
        guard value >= 0 else { throw node.fail("must not be negative") }
        return value
    }

    private mutating func enumeration(_ schema: SpecNode, _ name: String) throws(SpecError) -> Shape {
        try only(schema, ["type", "enum"], "string with enum")
        var values: [String] = []
        for node in try schema.require("enum").elements() {
            let value = try node.string()
            guard SwiftName.isMember(value) else { throw node.fail("\(value) cannot be a case") }
            if values.contains(value) { throw node.fail("\(value) is given twice") }
            values.append(value)
        }
        guard !values.isEmpty, values.count <= 64 else { throw schema.fail("enum must have 1 to 64 values") }
        let typeName = try schema.text("title") ?? name
        try declare(.enumeration(name: typeName, doc: try schema.text("description"), values: values), schema)
        return .named(typeName)
    }

    private func integer(_ schema: SpecNode) throws(SpecError) -> Shape {
        try only(schema, ["type", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], "integer")
        var lower = Int.min
        var upper = Int.max
        switch try schema.text("format") {
        case "int32": (lower, upper) = (Int(Int32.min), Int(Int32.max))
        case nil, "int64": break
        case let other?: throw schema.fail("format \(other) is not supported")
        }
        if let node = schema["minimum"] { lower = max(lower, try node.int()) }
        if let node = schema["maximum"] { upper = min(upper, try node.int()) }
        if let node = schema["exclusiveMinimum"] { lower = max(lower, try node.int() + 1) }
        if let node = schema["exclusiveMaximum"] { upper = min(upper, try node.int() - 1) }
        guard lower <= upper else { throw schema.fail("minimum is above maximum") }
        return .int(lower...upper)
    }

    private func number(_ schema: SpecNode) throws(SpecError) -> Shape {
        let bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
        try only(schema, Set(bounds + ["type", "format", "multipleOf"]), "number")
        if let format = try schema.text("format"), format != "double" {
            throw schema.fail("format \(format) is not supported")
        }
        guard let step = schema["multipleOf"] else {
            return .double(
                NumberRule(
                    min: try schema["minimum"]?.numberText(), max: try schema["maximum"]?.numberText(),
                    above: try schema["exclusiveMinimum"]?.numberText(),
                    below: try schema["exclusiveMaximum"]?.numberText()))
        }
        guard try step.numberText() == "0.1" else { throw step.fail("multipleOf is only supported as 0.1") }
        try refuse(schema, ["exclusiveMinimum", "exclusiveMaximum"], "beside multipleOf")
        let lower = try schema["minimum"].map(tenths) ?? .min
        let upper = try schema["maximum"].map(tenths) ?? .max
        guard lower <= upper else { throw schema.fail("minimum is above maximum") }
        return .tenths(lower...upper)
    }

    private func tenths(_ node: SpecNode) throws(SpecError) -> Int {
        let text = try node.numberText()
        do throws(JSONError) {
            return try decodeJSON(DecimalTenths.self, from: Array(text.utf8)).tenths
        } catch {
            throw node.fail("\(text) is not a multiple of 0.1")
        }
    }
}

// MARK: - Containers

extension SchemaTranslator {
    private mutating func array(_ schema: SpecNode, _ name: String) throws(SpecError) -> Shape {
        try only(schema, ["type", "items", "minItems", "maxItems", "uniqueItems"], "array")
        let element = try shape(try schema.require("items"), name: name + "Item")
        if case .const = element { throw schema.fail("a list of const is not supported") }
        return .array(
            element, count: try count(schema, "minItems", "maxItems"), isUnique: try schema.flag("uniqueItems"))
    }

    private func count(_ schema: SpecNode, _ min: String, _ max: String) throws(SpecError) -> ClosedRange<Int> {
        let lower = try schema[min].map(size) ?? 0
        let upper = try schema[max].map(size) ?? .max
        guard lower <= upper else { throw schema.fail("\(min) is above \(max)") }
        return lower...upper
    }

    private mutating func object(_ schema: SpecNode, _ name: String) throws(SpecError) -> Shape {
        if try schema.flag("x-json") {
            try only(schema, ["type", "x-json", "additionalProperties"], "object with x-json")
            return .json
        }
        if let rest = schema["additionalProperties"] {
            switch rest.value {
            case .bool(false): break
            case .bool(true):
                try only(schema, ["type", "additionalProperties"], "free object")
                return .json
            default:
                try only(schema, ["type", "additionalProperties", "minProperties", "maxProperties"], "map")
                let value = try shape(rest, name: name + "Value")
                if case .const = value { throw rest.fail("a map of const is not supported") }
                return .map(value, count: try count(schema, "minProperties", "maxProperties"))
            }
        }
        try only(schema, ["type", "properties", "required", "additionalProperties", "allOf"], "object")
        let typeName = try schema.text("title") ?? name
        let properties = try properties(schema, typeName)
        guard properties.count <= 64 else { throw schema.fail("has more than 64 properties") }
        let record = Record(name: typeName, doc: try schema.text("description"), properties: properties)
        try declare(.record(record), schema)
        return .named(typeName)
    }

    private mutating func properties(_ schema: SpecNode, _ typeName: String) throws(SpecError) -> [Property] {
        var result: [Property] = []
        for part in try schema["allOf"]?.elements() ?? [] {
            guard part["$ref"] != nil, case .named(let name) = try shape(part, name: typeName),
                case .record(let record)? = declarations[name]
            else { throw part.fail("allOf is only supported with references to objects") }
            result += record.properties
        }
        var required: [String] = []
        for node in try schema["required"]?.elements() ?? [] { required.append(try node.string()) }
        for (key, node) in try schema["properties"]?.members() ?? [] {
            result.append(
                try property(key, node, isRequired: required.contains(key), in: typeName))
        }
        for name in required where !result.contains(where: { $0.wireName == name && $0.isRequired }) {
            throw schema.fail("required names \(name), which is not a property")
        }
        if Set(result.map(\.swiftName)).count != result.count { throw schema.fail("a property is declared twice") }
        return result
    }

    /// Translates a property of a record, of params or of an operation's input.
    mutating func property(
        _ key: String, _ schema: SpecNode, isRequired: Bool, in typeName: String, doc: String? = nil
    ) throws(SpecError) -> Property {
        guard SwiftName.isMember(key) else { throw schema.fail("\(key) cannot be a property") }
        let shape = try shape(schema, name: typeName + SwiftName.type(key))
        if case .nullable = shape, !isRequired {
            throw schema.fail("a property that may be absent cannot be null too")
        }
        if case .const = shape, !isRequired { throw schema.fail("a const property must be required") }
        return Property(
            wireName: key, swiftName: SwiftName.property(key), shape: shape, isRequired: isRequired,
            isSecret: try schema.flag("x-secret"), doc: try schema.text("description") ?? doc)
    }

    /// Refuses records that contain themselves without a list or map in between.
    func refuseEndlessTypes(_ documentFile: String) throws(SpecError) {
        for (name, declaration) in declarations.sorted(by: { $0.key < $1.key }) {
            guard case .record = declaration, reaches(name, from: name, []) else { continue }
            throw SpecError(file: documentFile, path: name, reason: "contains itself without a list in between")
        }
    }

    private func reaches(_ goal: String, from name: String, _ seen: Set<String>) -> Bool {
        guard !seen.contains(name) else { return false }
        var next: [String] = []
        switch declarations[name] {
        case .record(let record): next = record.properties.compactMap { $0.shape.directName }
        case .union(_, _, _, let cases): next = cases.map(\.record)
        default: break
        }
        return next.contains { $0 == goal || reaches(goal, from: $0, seen.union([name])) }
    }
}

extension Shape {
    fileprivate var directName: String? {
        switch self {
        case .named(let name): name
        case .nullable(let inner): inner.directName
        default: nil
        }
    }
}
