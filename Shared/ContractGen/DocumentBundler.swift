import JSON

/// Makes one self-contained JSON document: references to other files become references to its own components.
struct DocumentBundler {
    private let documents: [String: SpecNode]
    private let registry: [RegistryEntry]
    /// Schemas to add, by name.
    private var schemas: [String: SpecNode] = [:]
    private var pending: [String] = []
    private var errors: Set<String> = []
    /// Whether the document states the rule for every text: no U+0000, which Postgres cannot store.
    private let isForStrangers: Bool
    private static let textPattern = #"^[^\x00]*$"#
    /// Keywords that constrain a text further.
    private static let kindsOfText = ["pattern", "enum", "const", "format", "contentMediaType"]
    /// Keys with values below them, or HTTP fields, which cannot contain that character.
    private static let noSchemas: Set<String> = ["example", "examples", "default", "headers"]
    /// Members for the tests and the generator; what callers need to know of them is put into words by
    /// `PublicCompletion`.
    private static let unpublished: Set<String> = [
        "x-example", "x-provoke", "x-conditional", "x-repeatable", "x-upload", "x-given-password",
        "x-written", "x-missing-factor",
    ]

    init(documents: [String: SpecNode], registry: [RegistryEntry], isForStrangers: Bool = false) {
        self.isForStrangers = isForStrangers
        self.documents = documents
        self.registry = registry
    }

    /// Returns the JSON of `document`, one line per method, path or schema.
    mutating func bundle(_ document: SpecNode) throws(SpecError) -> String {
        guard case .object(var members) = try rewrite(document, withTexts: isForStrangers) else {
            throw document.fail("must be an object")
        }
        var added: [String: SpecValue] = [:]
        while let name = pending.popLast() {
            if let node = schemas[name] { added[name] = try rewrite(node, withTexts: isForStrangers) }
        }
        var components: [(key: String, value: SpecValue)] = []
        if let position = members.firstIndex(where: { $0.key == "components" }) {
            if case .object(let own) = members.remove(at: position).value { components = own }
        }
        var all = added
        if let position = components.firstIndex(where: { $0.key == "schemas" }),
            case .object(let own) = components.remove(at: position).value
        {
            for (name, value) in own {
                guard all.updateValue(value, forKey: name) == nil else {
                    throw document.fail("the schema \(name) is in two documents")
                }
            }
        }
        if !all.isEmpty { components.append(("schemas", Self.sorted(all))) }
        let used = registry.filter { errors.contains($0.name) }
        if !used.isEmpty { components.append(("errors", .object(used.map { ($0.name, Self.error($0)) }))) }
        if !components.isEmpty { members.append(("components", .object(components))) }
        return Self.text(.object(members), depth: 0)
    }

    private static func sorted(_ members: [String: SpecValue]) -> SpecValue {
        .object(members.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) })
    }

    private static func error(_ entry: RegistryEntry) -> SpecValue {
        .object([("code", .int(entry.code)), ("message", .string(entry.meaning))])
    }

    private mutating func rewrite(_ node: SpecNode, withTexts: Bool) throws(SpecError) -> SpecValue {
        switch node.value {
        case .array:
            var elements: [SpecValue] = []
            for element in try node.elements() { elements.append(try rewrite(element, withTexts: withTexts)) }
            return .array(elements)
        case .object:
            let withTexts = withTexts && !Self.isHeader(node)
            var members: [(key: String, value: SpecValue)] = []
            for (key, member) in try node.members() where !Self.unpublished.contains(key) {
                if key == "$ref", case .string(let reference) = member.value {
                    members.append((key, .string(try local(reference, member))))
                } else {
                    members.append((key, try rewrite(member, withTexts: withTexts && Self.hasSchemas(key))))
                }
            }
            if withTexts, Self.isAnyText(node) { members.append(("pattern", .string(Self.textPattern))) }
            return .object(members)
        default: return node.value
        }
    }

    /// Whether there may be a text schema below `key`: not in bodies that are bytes.
    private static func hasSchemas(_ key: String) -> Bool {
        if noSchemas.contains(key) { return false }
        return key.hasPrefix("/") || !key.contains("/") || key == "application/json"
    }

    private static func isHeader(_ node: SpecNode) -> Bool {
        if case .string("header")? = node["in"]?.value { return true }
        return false
    }

    private static func isAnyText(_ node: SpecNode) -> Bool {
        guard case .string("string")? = node["type"]?.value else { return false }
        return kindsOfText.allSatisfy { node[$0] == nil }
    }

    private mutating func local(_ reference: String, _ node: SpecNode) throws(SpecError) -> String {
        guard let hash = reference.firstIndex(of: "#"),
            let name = reference.split(separator: "/").last.map(String.init)
        else { throw node.fail("\(reference) is not a reference") }
        let file = hash == reference.startIndex ? node.file : String(reference[..<hash])
        switch file {
        case "errors.yaml":
            errors.insert(name)
            return "#/components/errors/\(name)"
        case "schemas.yaml":
            guard let schema = documents[file]?["components"]?["schemas"]?[name] else {
                throw node.fail("\(reference) leads nowhere")
            }
            if schemas.updateValue(schema, forKey: name) == nil { pending.append(name) }
            return "#/components/schemas/\(name)"
        case _ where hash == reference.startIndex: return reference
        default: throw node.fail("\(reference): only schemas.yaml and errors.yaml can be referred to")
        }
    }

    /// Returns compact JSON, with line breaks at small depths so that diffs are readable.
    private static func text(_ value: SpecValue, depth: Int) -> String {
        let separator = depth < 3 ? ",\n" : ","
        switch value {
        case .null: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .int(let number): return String(number)
        case .number(let text): return text
        case .string(let text): return String(decoding: encodeJSON(text), as: UTF8.self)
        case .array(let elements):
            return "[" + elements.map { Self.text($0, depth: depth + 1) }.joined(separator: separator) + "]"
        case .object(let members):
            let parts = members.map {
                String(decoding: encodeJSON($0.key), as: UTF8.self) + ":" + Self.text($0.value, depth: depth + 1)
            }
            return "{" + parts.joined(separator: separator) + "}"
        }
    }
}
