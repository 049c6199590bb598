/// Completes the document for clients with what follows from each operation: who may call it, examples of requests and
/// responses, and every error. None of it is written by hand, so a new operation gets all of it by being declared.
struct PublicCompletion {
    let registry: [RegistryEntry]
    let operations: [Operation]
    let examples: SchemaExample

    private static let verbs = ["get", "put", "post", "delete", "patch"]

    /// Returns `document` with its conventions applied; without a Problem there are no errors to describe.
    func apply(to document: SpecNode) throws(SpecError) -> SpecNode {
        guard document["components"]?["schemas"]?["Problem"] != nil else { return document }
        let errors = PublicErrors(registry: registry)
        var responses: [String: SpecValue] = [:]
        var paths: [(key: String, value: SpecValue)] = []
        for (path, item) in try document.require("paths").members() {
            var members = Members(try item.members())
            for verb in Self.verbs {
                guard let node = item[verb], let id = try node["operationId"]?.string(),
                    let operation = operations.first(where: { $0.id == id })
                else { continue }
                let found = try errors.errors(of: operation, node, hasReader: item["get"] != nil)
                members[verb] = try complete(node, operation, errors.responses(of: found, into: &responses))
            }
            if let shared = item["parameters"] {
                members["parameters"] = try parameters(shared, item, of: nil)
            }
            paths.append((path, .object(members.list)))
        }
        var whole = Members(try document.members())
        whole["paths"] = .object(paths)
        whole["components"] = try components(document, responses, errors.examples())
        return SpecNode(file: document.file, path: document.path, value: .object(whole.list))
    }

    private func complete(
        _ node: SpecNode, _ operation: Operation, _ failures: [(key: String, value: SpecValue)]
    ) throws(SpecError) -> SpecValue {
        var members = Members(try node.members())
        let own = try node.text("description")
        let facts = facts(operation, try ownScheme(of: node))
        members["description"] = .string(([own].compactMap(\.self) + facts).joined(separator: " "))
        if members["security"] == nil {
            members["security"] = .array([.object([(key: "bearer", value: .array([]))])])
        }
        if let given = node["parameters"] { members["parameters"] = try parameters(given, node, of: node) }
        if let body = node["requestBody"] { members["requestBody"] = try requestBody(body, node) }
        var answers: [(key: String, value: SpecValue)] = []
        for (status, answer) in try node.require("responses").members() where status != "default" {
            answers.append((status, try response(answer, status, operation)))
        }
        answers += failures
        if let rest = node["responses"]?["default"] { answers.append(("default", rest.value)) }
        members["responses"] = .object(answers)
        return .object(members.list)
    }

    /// Returns the scheme that an operation has instead of that of all others; nil if it has none.
    private func ownScheme(of node: SpecNode) throws(SpecError) -> String? {
        try node["security"]?.elements().first?.members().first?.key
    }

    /// Returns what follows from the declaration, in words.
    private func facts(_ operation: Operation, _ scheme: String?) -> [String] {
        var facts: [String] = []
        if let scheme {
            facts.append("Requires no session, but a token of the scheme `\(scheme)`.")
        } else if operation.isOpen {
            facts.append("Open to everybody.")
        } else if let scope = operation.scope {
            facts.append("Requires a session, or an API key with the scope `\(scope)`.")
        } else {
            facts.append("Requires a session; API keys are refused.")
        }
        if operation.takesGivenPassword {
            facts.append("Also allowed before a password set by an administrator has been changed.")
        }
        if operation.takesMissingFactor {
            facts.append("Also allowed without a second factor where everybody must have one.")
        }
        if operation.takesKey {
            facts.append("With an `Idempotency-Key` it takes effect once, no matter how often it is sent.")
        }
        if operation.isRepeatable {
            facts.append("If the answer is lost, it can be sent again without an `Idempotency-Key`.")
        }
        return facts
    }

    /// Adds examples to parameters: the one sent by the tests, or for a parameter in the path one that fits.
    private func parameters(_ list: SpecNode, _ place: SpecNode, of operation: SpecNode?) throws(SpecError) -> SpecValue
    {
        var result: [SpecValue] = []
        for parameter in try list.elements() {
            guard parameter["$ref"] == nil, let location = try parameter["in"]?.string() else {
                result.append(parameter.value)
                continue
            }
            var members = Members(try parameter.members())
            let name = try parameter.require("name").string()
            let sent = operation?["x-example"]?[location]?[name]?.value
            if let sent {
                members["example"] = sent
            } else if location == "path" {
                members["example"] = try examples.example(of: parameter.require("schema"))
            }
            result.append(.object(members.list))
        }
        return .array(result)
    }

    private func requestBody(_ body: SpecNode, _ operation: SpecNode) throws(SpecError) -> SpecValue {
        var members = Members(try body.members())
        members["content"] = try content(body.require("content"), sent: operation["x-example"]?["body"]?.value)
        return .object(members.list)
    }

    private func response(_ answer: SpecNode, _ status: String, _ operation: Operation) throws(SpecError) -> SpecValue {
        guard answer["$ref"] == nil else { return answer.value }
        var members = Members(try answer.members())
        if let given = answer["content"] { members["content"] = try content(given, sent: nil) }
        // The response to a write has the tag under which it can be read.
        let isTagged = operation.isRepresentation && (status == "200" || status == "201")
        return PublicHeaders.complete(.object(members.list), adding: isTagged ? ["ETag"] : [])
    }

    private func content(_ content: SpecNode, sent: SpecValue?) throws(SpecError) -> SpecValue {
        var result: [(key: String, value: SpecValue)] = []
        for (type, media) in try content.members() {
            var members = Members(try media.members())
            if type == "application/json", members["example"] == nil, members["examples"] == nil,
                let schema = media["schema"]
            {
                if let sent {
                    members["example"] = sent
                } else {
                    members["example"] = try examples.example(of: schema)
                }
            }
            result.append((type, .object(members.list)))
        }
        return .object(result)
    }

    private func components(
        _ document: SpecNode, _ responses: [String: SpecValue], _ errors: [(key: String, value: SpecValue)]
    ) throws(SpecError) -> SpecValue {
        var components = Members(try document.require("components").members())
        var all = Members([])
        for (name, response) in try document["components"]?["responses"]?.members() ?? [] {
            all[name] = PublicHeaders.complete(response.value)
        }
        for (name, value) in responses.sorted(by: { $0.key < $1.key }) { all[name] = value }
        components["responses"] = .object(all.list)
        components["examples"] = .object(errors)
        if let parameters = document["components"]?["parameters"] {
            var described: [(key: String, value: SpecValue)] = []
            for (name, parameter) in try parameters.members() {
                var members = Members(try parameter.members())
                if let schema = parameter["schema"] {
                    members["example"] = try examples.example(of: schema)
                }
                described.append((name, .object(members.list)))
            }
            components["parameters"] = .object(described)
        }
        return .object(components.list)
    }

    /// The members of an object, in order.
    private struct Members {
        private(set) var list: [(key: String, value: SpecValue)]

        init(_ members: [(key: String, node: SpecNode)]) { list = members.map { (key: $0.key, value: $0.node.value) } }

        subscript(key: String) -> SpecValue? {
            get { list.first { $0.key == key }?.value }
            set {
                guard let newValue else { return list.removeAll { $0.key == key } }
                if let position = list.firstIndex(where: { $0.key == key }) {
                    list[position].value = newValue
                } else {
                    list.append((key, newValue))
                }
            }
        }
    }
}
