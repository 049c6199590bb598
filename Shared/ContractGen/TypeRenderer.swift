/// Third stage, declared types: one Swift file each.
struct TypeRenderer {
    static func render(_ declaration: Declaration) -> String {
        let isIdentifier = if case .identifier = declaration { true } else { false }
        var file = SwiftFile(imports: isIdentifier ? [] : ["package import JSON"])
        switch declaration {
        case .record(let record): render(record, to: &file)
        case .enumeration(let name, let doc, let values): enumeration(name, doc, values, &file)
        case .identifier(let name, let doc):
            file.doc(doc)
            file.block("package struct \(name): UUIDIdentifier") { file in
                file.line("package let uuid: UUIDBits")
                file.line("package init(_ uuid: UUIDBits) { self.uuid = uuid }")
            }
        case .text(let name, let doc, let rule): text(name, doc, rule, &file)
        case .union(let name, let doc, let tag, let cases): union(name, doc, tag, cases, &file)
        }
        return file.text
    }

    // MARK: Records

    static func render(_ record: Record, to file: inout SwiftFile) {
        let stored = record.properties.filter { !$0.isConst }
        file.doc(record.doc)
        file.block("package struct \(record.name): Sendable, Hashable, JSONCodable") { file in
            storage(stored, &file)
            memberwise(stored.map { $0.parameter }, stored.map(\.swiftName), &file)
            patterns(record.properties, &file)
            file.line()
            file.list("private static let names = JSONNames", record.properties.map { literal($0.wireName) }, "")
            file.line()
            file.block("package init(from jsonReader: inout JSONReader) throws(JSONError)") { file in
                decoding(record, &file)
            }
            file.line()
            file.block("package func encode(to jsonWriter: inout JSONWriter)") { file in encoding(record, &file) }
        }
        if stored.contains(where: \.isSecret) { redaction(record, &file) }
    }

    /// Renders the stored properties with their comments.
    static func storage(_ properties: [Property], _ file: inout SwiftFile) {
        for property in properties {
            file.doc(property.doc)
            file.line("package var \(SwiftName.quoted(property.swiftName)): \(property.type)")
        }
    }

    static func memberwise(_ parameters: [String], _ names: [String], _ file: inout SwiftFile) {
        if !names.isEmpty { file.line() }
        file.block("package init", parameters, "") { file in
            for name in names { file.line("self.\(name) = \(SwiftName.quoted(name))") }
        }
    }

    static func patterns(_ properties: [Property], _ file: inout SwiftFile) {
        for property in properties {
            guard let pattern = property.shape.pattern else { continue }
            file.line()
            file.line("private static let \(property.swiftName)Pattern = TextPattern(\(literal(pattern)))")
        }
    }

    private static func decoding(_ record: Record, _ file: inout SwiftFile) {
        for property in record.properties where !property.isConst {
            file.line("var \(SwiftName.quoted(property.swiftName)): \(ShapeRenderer.type(property.shape))?")
        }
        file.line("var jsonMembers = try jsonReader.beginObject()")
        if record.properties.isEmpty {
            file.line("while try jsonReader.nextMember(&jsonMembers, Self.names) != nil {}")
            return
        }
        file.block("while let jsonMember = try jsonReader.nextMember(&jsonMembers, Self.names)") { file in
            file.line("switch jsonMember {")
            for (index, property) in record.properties.enumerated() {
                let label = index == record.properties.count - 1 ? "default" : "case \(index)"
                let expression = ShapeRenderer.decode(
                    property.shape, "jsonReader", pattern: "Self.\(property.swiftName)Pattern")
                let target = property.isConst ? "" : SwiftName.quoted(property.swiftName) + " = "
                file.line("\(label): \(target)try \(expression)")
            }
            file.line("}")
        }
        guarding(record, &file)
        for property in record.properties where !property.isConst {
            file.line("self.\(property.swiftName) = \(SwiftName.quoted(property.swiftName))")
        }
    }

    private static func guarding(_ record: Record, _ file: inout SwiftFile) {
        var mask: UInt64 = 0
        var conditions: [String] = []
        for (index, property) in record.properties.enumerated() where property.isRequired {
            mask |= 1 << UInt64(index)
            if !property.isConst { conditions.append("let \(SwiftName.quoted(property.swiftName))") }
        }
        guard mask != 0 else { return }
        if record.properties.contains(where: \.isConst) {
            conditions.append("jsonMembers.has(0x\(String(mask, radix: 16)))")
        }
        var condition = "guard"
        for (position, next) in conditions.enumerated() {
            if condition.count + next.count > 100 {
                file.line(condition)
                condition = "   "
            }
            condition += " " + next + (position == conditions.count - 1 ? "" : ",")
        }
        file.line("\(condition) else {")
        file.line("    throw jsonReader.missing(jsonMembers, Self.names, required: 0x\(String(mask, radix: 16)))")
        file.line("}")
    }

    private static func encoding(_ record: Record, _ file: inout SwiftFile) {
        // Text known at this point is written in one piece with its surroundings.
        var pending = "{"
        var isFirstKnown = true
        var hasMember = false
        for property in record.properties {
            let name = SwiftName.quoted(property.swiftName)
            let key = "\"\(property.wireName)\":"
            if property.isRequired, isFirstKnown || hasMember {
                pending += (hasMember ? "," : "") + key
                hasMember = true
                if case .const(let text) = property.shape {
                    pending += "\"\(text)\""
                } else {
                    file.line("jsonWriter.raw(\(raw(pending)))")
                    file.line("\(name).encode(to: &jsonWriter)")
                    pending = ""
                }
                continue
            }
            if !pending.isEmpty { file.line("jsonWriter.raw(\(raw(pending)))") }
            pending = ""
            let start = hasMember ? "jsonWriter.raw(\(raw("," + key)))" : "jsonWriter.member(\(raw(key)))"
            if property.isRequired {
                file.line(start)
                file.line("\(name).encode(to: &jsonWriter)")
                hasMember = true
            } else {
                file.block("if let \(name)") { file in
                    file.line(start)
                    file.line("\(name).encode(to: &jsonWriter)")
                }
                isFirstKnown = false
            }
        }
        file.line("jsonWriter.raw(\(raw(pending + "}")))")
    }

    private static func raw(_ text: String) -> String { "#\"\(text)\"#" }

    private static func redaction(_ record: Record, _ file: inout SwiftFile) {
        file.line()
        file.line("/// Reveals none of the contents, because they include secrets.")
        file.block("extension \(record.name): CustomStringConvertible, CustomReflectable") { file in
            file.line("package var description: String { \"\(record.name)(redacted)\" }")
            file.line("package var customMirror: Mirror { Mirror(self, children: []) }")
        }
    }

    // MARK: Others

    private static func enumeration(_ name: String, _ doc: String?, _ values: [String], _ file: inout SwiftFile) {
        file.doc(doc)
        file.block("package enum \(name): String, Sendable, Hashable, CaseIterable, JSONCodable") { file in
            for value in values {
                let swiftName = SwiftName.property(value)
                file.line("case \(SwiftName.quoted(swiftName))" + (swiftName == value ? "" : " = \(literal(value))"))
            }
            file.line()
            file.list("private static let names = JSONNames", values.map(literal), "")
            file.line()
            file.block("package init(from jsonReader: inout JSONReader) throws(JSONError)") { file in
                file.line("switch try jsonReader.choice(Self.names) {")
                for (index, value) in values.enumerated() {
                    let label = index == values.count - 1 ? "default" : "case \(index)"
                    file.line("\(label): self = .\(SwiftName.property(value))")
                }
                file.line("}")
            }
            file.line()
            file.line("package func encode(to jsonWriter: inout JSONWriter) { jsonWriter.string(rawValue) }")
        }
    }

    private static func text(_ name: String, _ doc: String?, _ rule: StringRule, _ file: inout SwiftFile) {
        file.doc(doc)
        file.block("package struct \(name): Sendable, Hashable, JSONCodable, CustomStringConvertible") { file in
            file.line("/// The text. Values read from JSON satisfy the contract's rules.")
            file.line("package let text: String")
            file.line("package init(_ text: String) { self.text = text }")
            if let pattern = rule.pattern {
                file.line()
                file.line("private static let pattern = TextPattern(\(literal(pattern)))")
            }
            file.line()
            let expression = ShapeRenderer.decode(.string(rule), "jsonReader", pattern: "Self.pattern")
            file.line("package init(from jsonReader: inout JSONReader) throws(JSONError) { text = try \(expression) }")
            file.line("package func encode(to jsonWriter: inout JSONWriter) { jsonWriter.string(text) }")
            file.line("package var description: String { text }")
        }
    }

    private static func union(
        _ name: String, _ doc: String?, _ tag: String, _ cases: [UnionCase],
        _ file: inout SwiftFile
    ) {
        file.doc(doc)
        file.block("package enum \(name): Sendable, Hashable, JSONCodable") { file in
            for variant in cases {
                file.line("case \(SwiftName.quoted(SwiftName.property(variant.tag)))(\(variant.record))")
            }
            file.line()
            let tags = cases.map { literal($0.tag) }.joined(separator: ", ")
            file.line("private static let tags = JSONNames(\(tags))")
            file.line()
            file.block("package init(from jsonReader: inout JSONReader) throws(JSONError)") { file in
                file.line("switch try jsonReader.peekTag(\(literal(tag)), Self.tags) {")
                for (index, variant) in cases.enumerated() {
                    let label = index == cases.count - 1 ? "default" : "case \(index)"
                    let swiftName = SwiftName.property(variant.tag)
                    file.line("\(label): self = .\(swiftName)(try \(variant.record)(from: &jsonReader))")
                }
                file.line("}")
            }
            file.line()
            file.block("package func encode(to jsonWriter: inout JSONWriter)") { file in
                file.line("switch self {")
                for variant in cases {
                    let swiftName = SwiftName.property(variant.tag)
                    file.line("case .\(swiftName)(let value): value.encode(to: &jsonWriter)")
                }
                file.line("}")
            }
        }
    }
}

extension Property {
    var isConst: Bool { if case .const = shape { true } else { false } }

    /// The type of the stored property.
    var type: String { ShapeRenderer.type(shape) + (isRequired ? "" : "?") }

    /// The parameter of a memberwise initializer.
    var parameter: String {
        let isOptional = if case .nullable = shape { true } else { !isRequired }
        return "\(swiftName): \(type)\(isOptional ? " = nil" : "")"
    }
}
