/// Finds the changes that break those who rely on older documents. Pure: documents in, sentences out.
///
/// Between services as well as at the edge, a caller must be able to send what it sent before and to read every
/// response: what is taken may grow; what is given may not lose members or gain values of a closed set. Between
/// services the new version is also a caller, of copies not yet replaced: it must be able to read what those give, and
/// must not omit what they require.
package struct ContractChanges {
    /// One breaking change.
    package struct Change: Sendable, Hashable, CustomStringConvertible {
        /// The document that contains it.
        package let file: String
        package let text: String
        /// Whether the document's version declares that older callers are left behind.
        package let isSaid: Bool

        package var description: String { "\(file): \(text)" }
    }

    private enum Direction: String {
        case taken
        case given
    }

    private let old: [String: SpecNode]
    private let new: [String: SpecNode]
    private var changes: [Change] = []
    private var isSaid = false
    private var file = ""
    /// Whether both sides of the document are replaced copy by copy, as for services.
    private var isRolling = false
    /// Pairs of schemas already compared or being compared.
    private var seen: Set<String> = []

    private init(_ old: [String: SpecNode], _ new: [String: SpecNode]) {
        self.old = old
        self.new = new
    }

    /// Returns all breaking changes between two sets of documents, by document.
    package static func breaking(
        from old: [String: String], to new: [String: String]
    ) throws(SpecError) -> [Change] {
        func parse(_ texts: [String: String]) throws(SpecError) -> [String: SpecNode] {
            var documents: [String: SpecNode] = [:]
            for (file, text) in texts.sorted(by: { $0.key < $1.key }) {
                documents[file] = try SpecParser.parse(text, file: file)
            }
            return documents
        }
        var comparison = ContractChanges(try parse(old), try parse(new))
        comparison.compare()
        return comparison.changes
    }

    private mutating func compare() {
        for (file, before) in old.sorted(by: { $0.key < $1.key }) where before["info"] != nil {
            self.file = file
            seen = []
            guard let after = new[file] else {
                isSaid = false
                add("the document is gone")
                continue
            }
            isSaid = Self.says(before["info"]?["version"], after["info"]?["version"])
            isRolling = before["methods"] != nil
            if before["methods"] != nil { methods(before, after) }
            if before["paths"] != nil { paths(before, after) }
        }
        if let before = old["errors.yaml"], let after = new["errors.yaml"] { registry(before, after) }
    }

    /// Whether a version leaves the previous one behind: a different major number, or below 1.0 a different minor one.
    static func says(_ old: String, _ new: String) -> Bool {
        let (before, after) = (old.split(separator: ".").map { Int($0) }, new.split(separator: ".").map { Int($0) })
        guard before.count == 3, after.count == 3, let major = before[0], let minor = before[1],
            let newMajor = after[0],
            let newMinor = after[1]
        else { return false }
        return newMajor > major || (major == 0 && newMajor == 0 && newMinor > minor)
    }

    private static func says(_ old: SpecNode?, _ new: SpecNode?) -> Bool {
        says(old.flatMap { try? $0.string() } ?? "", new.flatMap { try? $0.string() } ?? "")
    }

    private mutating func add(_ text: String) { changes.append(Change(file: file, text: text, isSaid: isSaid)) }

    // MARK: Documents

    private mutating func registry(_ before: SpecNode, _ after: SpecNode) {
        file = "errors.yaml"
        isSaid = Self.says(old["openapi.yaml"]?["info"]?["version"], new["openapi.yaml"]?["info"]?["version"])
        let present = Self.named(after["errors"])
        for (name, error) in Self.named(before["errors"]).sorted(by: { $0.key < $1.key }) {
            guard let now = present[name] else {
                add("the error \(name) is gone")
                continue
            }
            for member in ["code", "status"] where Self.text(error[member]) != Self.text(now[member]) {
                add("\(member) of the error \(name) has changed")
            }
        }
    }

    private mutating func methods(_ before: SpecNode, _ after: SpecNode) {
        let present = Self.named(after["methods"])
        for (name, method) in Self.named(before["methods"]).sorted(by: { $0.key < $1.key }) {
            guard let now = present[name] else {
                add("\(name) is gone")
                continue
            }
            parameters(Self.named(method["params"]), Self.named(now["params"]), name)
            schema(method["result"]?["schema"], now["result"]?["schema"], .given, "\(name) result")
        }
    }

    private mutating func paths(_ before: SpecNode, _ after: SpecNode) {
        for (path, operations) in Self.members(before["paths"]) {
            for verb in ["get", "put", "post", "delete", "patch"] {
                guard let operation = operations[verb] else { continue }
                let name = "\(verb.uppercased()) \(path)"
                guard let now = after["paths"]?[path]?[verb] else {
                    add("\(name) is gone")
                    continue
                }
                parameters(
                    all(operations, operation, in: old), all(after["paths"]?[path], now, in: new), name)
                body(operation, now, name)
                responses(operation, now, name)
            }
        }
    }

    /// Returns the parameters of a path and of one of its operations, by place and name.
    private func all(_ path: SpecNode?, _ operation: SpecNode, in documents: [String: SpecNode]) -> [String: SpecNode] {
        var found: [String: SpecNode] = [:]
        for list in [path?["parameters"], operation["parameters"]] {
            for parameter in (try? list?.elements()) ?? [] {
                let resolved = Self.resolve(parameter, in: documents)
                found["\(Self.text(resolved["in"])) \(Self.text(resolved["name"]))"] = resolved
            }
        }
        return found
    }

    private mutating func parameters(_ before: [String: SpecNode], _ after: [String: SpecNode], _ name: String) {
        for (key, parameter) in before.sorted(by: { $0.key < $1.key }) {
            guard let now = after[key] else {
                add("\(name): the parameter \(key) is gone")
                continue
            }
            if !Self.flag(parameter["required"]), Self.flag(now["required"]) {
                add("\(name): the parameter \(key) must be given now")
            }
            if isRolling, Self.flag(parameter["required"]), !Self.flag(now["required"]) {
                add("\(name): the parameter \(key) may be left out now, which older copies refuse")
            }
            schema(parameter["schema"], now["schema"], .taken, "\(name) \(key)")
        }
        for (key, parameter) in after.sorted(by: { $0.key < $1.key })
        where before[key] == nil && Self.flag(parameter["required"]) {
            add("\(name): the parameter \(key) is new and must be given")
        }
    }

    private mutating func body(_ before: SpecNode, _ after: SpecNode, _ name: String) {
        let (was, now) = (before["requestBody"], after["requestBody"])
        if !Self.flag(was?["required"]), Self.flag(now?["required"]) { add("\(name): a body must be given now") }
        for (type, content) in Self.members(was?["content"]) {
            guard let present = now?["content"]?[type] else {
                add("\(name): a body of \(type) is no longer accepted")
                continue
            }
            schema(content["schema"], present["schema"], .taken, "\(name) body")
        }
    }

    private mutating func responses(_ before: SpecNode, _ after: SpecNode, _ name: String) {
        for (status, response) in Self.members(before["responses"]) where status.hasPrefix("2") {
            guard let now = after["responses"]?[status] else {
                add("\(name): the answer \(status) is gone")
                continue
            }
            for (type, content) in Self.members(Self.resolve(response, in: old)["content"]) {
                guard let present = Self.resolve(now, in: new)["content"]?[type] else {
                    add("\(name): the answer \(status) is no longer \(type)")
                    continue
                }
                schema(content["schema"], present["schema"], .given, "\(name) \(status)")
            }
        }
    }

    // MARK: Schemas

    private mutating func schema(_ before: SpecNode?, _ after: SpecNode?, _ direction: Direction, _ name: String) {
        guard let before, let after else { return }
        if let was = before["$ref"], let now = after["$ref"] {
            let pair = "\(direction) \(before.file) \(Self.text(was)) \(after.file) \(Self.text(now))"
            guard seen.insert(pair).inserted else { return }
        }
        let (was, now) = (Self.resolve(before, in: old), Self.resolve(after, in: new))
        values(was, now, direction, name)
        if direction == .taken || isRolling { bounds(was, now, name) }
        if direction == .given, isRolling { widened(was, now, name) }
        let (required, present) = (Self.texts(was["required"]), Self.texts(now["required"]))
        if isRolling { promises(required, present, direction, name) }
        for member in (direction == .taken ? present.subtracting(required) : required.subtracting(present)).sorted() {
            add("\(name): \(member) \(direction == .taken ? "must be given now" : "may be missing now")")
        }
        for (member, value) in Self.members(was["properties"]) {
            guard let other = now["properties"]?[member] else {
                add("\(name): \(member) is gone")
                continue
            }
            schema(value, other, direction, "\(name).\(member)")
        }
        schema(was["items"], now["items"], direction, "\(name)[]")
        if case .object? = was["additionalProperties"]?.value, case .object? = now["additionalProperties"]?.value {
            schema(was["additionalProperties"], now["additionalProperties"], direction, "\(name).*")
        }
        for choice in ["oneOf", "anyOf", "allOf"] {
            let (first, second) = ((try? was[choice]?.elements()) ?? [], (try? now[choice]?.elements()) ?? [])
            let isOther = direction == .taken ? second.count < first.count : second.count > first.count
            if isOther, !first.isEmpty {
                add("\(name): the choices of \(choice) have changed")
            }
            for (one, other) in zip(first, second) { schema(one, other, direction, name) }
        }
    }

    /// Reports members that one side relies on but older copies do not provide or accept.
    private mutating func promises(
        _ required: Set<String>, _ present: Set<String>, _ direction: Direction, _ name: String
    ) {
        switch direction {
        case .given:
            for member in present.subtracting(required).sorted() {
                add("\(name): \(member) must be there now, and older copies may not give it")
            }
        case .taken:
            for member in required.subtracting(present).sorted() {
                add("\(name): \(member) may be left out now, which older copies refuse")
            }
        }
    }

    /// Compares types, formats and closed sets.
    private mutating func values(_ was: SpecNode, _ now: SpecNode, _ direction: Direction, _ name: String) {
        let (types, others) = (Self.texts(was["type"]), Self.texts(now["type"]))
        let isKept = direction == .taken ? others.isSuperset(of: types) : types.isSuperset(of: others)
        let isKeptBySome = isRolling && direction == .given ? types == others : isKept
        if !types.isEmpty || !others.isEmpty, !isKeptBySome { add("\(name): the type has changed") }
        if Self.text(was["format"]) != Self.text(now["format"]) { add("\(name): the format has changed") }
        let (set, present) = (Self.texts(was["enum"]), Self.texts(now["enum"]))
        switch direction {
        case .taken where !present.isEmpty:
            let lost = set.isEmpty ? present : set.subtracting(present)
            if !lost.isEmpty {
                let which = set.isEmpty ? "only some values are" : "\(lost.sorted().joined(separator: ", ")) is not"
                add("\(name): \(which) accepted now")
            }
        case .given where !set.isEmpty:
            let more = present.subtracting(set)
            if present.isEmpty || !more.isEmpty {
                add("\(name): new values: \(more.sorted().joined(separator: ", "))")
            }
            let lost = set.subtracting(present)
            if isRolling, !present.isEmpty, !lost.isEmpty {
                add("\(name): older copies may still give \(lost.sorted().joined(separator: ", "))")
            }
        default: break
        }
    }

    private mutating func bounds(_ was: SpecNode, _ now: SpecNode, _ name: String) {
        for bound in Self.narrowed(from: was, to: now) {
            add(
                "\(name): "
                    + (bound == "pattern" ? "the pattern has changed" : "\(bound) is \(Self.text(now[bound])) now"))
        }
    }

    /// Reports responses that exceed the bounds of older callers, which check what they read.
    private mutating func widened(_ was: SpecNode, _ now: SpecNode, _ name: String) {
        for bound in Self.narrowed(from: now, to: was) {
            add("\(name): \(bound) was \(Self.text(was[bound])), and older callers read no more than that")
        }
    }

    /// Returns the bounds that are tighter in the second schema than in the first.
    private static func narrowed(from was: SpecNode, to now: SpecNode) -> [String] {
        var found: [String] = []
        for bound in ["minLength", "minimum", "minItems", "exclusiveMinimum", "multipleOf"] {
            guard let present = number(now[bound]) else { continue }
            if number(was[bound]).map({ present > $0 }) ?? true { found.append(bound) }
        }
        for bound in ["maxLength", "maximum", "maxItems", "exclusiveMaximum"] {
            guard let present = number(now[bound]) else { continue }
            if number(was[bound]).map({ present < $0 }) ?? true { found.append(bound) }
        }
        if let pattern = now["pattern"], text(pattern) != text(was["pattern"]) { found.append("pattern") }
        return found
    }

    // MARK: Reading

    private static func resolve(_ node: SpecNode, in documents: [String: SpecNode]) -> SpecNode {
        var node = node
        // A limit far above what any document needs, in case of a reference cycle.
        for _ in 0..<16 {
            guard let reference = node["$ref"].flatMap({ try? $0.string() }) else { return node }
            let parts = reference.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let document = documents[parts[0].isEmpty ? node.file : String(parts[0])] else {
                return node
            }
            var target: SpecNode? = document
            for key in parts[1].split(separator: "/") { target = target?[String(key)] }
            guard let target else { return node }
            node = target
        }
        return node
    }

    private static func members(_ node: SpecNode?) -> [(key: String, node: SpecNode)] {
        ((try? node?.members()) ?? []).sorted { $0.key < $1.key }
    }

    private static func named(_ node: SpecNode?) -> [String: SpecNode] {
        Dictionary(((try? node?.elements()) ?? []).map { (text($0["name"]), $0) }) { first, _ in first }
    }

    private static func texts(_ node: SpecNode?) -> Set<String> {
        guard let node else { return [] }
        if let elements = try? node.elements() { return Set(elements.map { text($0) }) }
        return [text(node)]
    }

    private static func text(_ node: SpecNode?) -> String {
        switch node?.value {
        case .string(let text)?, .number(let text)?: text
        case .int(let number)?: String(number)
        case .bool(let flag)?: String(flag)
        default: ""
        }
    }

    private static func number(_ node: SpecNode?) -> Double? { Double(text(node)) }
    private static func flag(_ node: SpecNode?) -> Bool { text(node) == "true" }
}
