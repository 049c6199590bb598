/// States in the document every error that an operation of the public surface can return: those it declares, those of
/// its internal method, those named by its text, and those common to all.
struct PublicErrors {
    let registry: [RegistryEntry]

    /// The errors that every operation may return.
    private static let everywhere = [
        "invalidRequest", "tooManyRequests", "overloaded", "unavailable", "deadlineExceeded",
    ]
    private static let guarded = ["unauthenticated", "forbidden"]
    private static let withBody = ["unsupportedMediaType", "payloadTooLarge", "requestTimeout"]

    /// Returns the errors of one operation, in the order of the registry.
    func errors(of operation: Operation, _ node: SpecNode, hasReader: Bool) throws(SpecError) -> [RegistryEntry] {
        var names = Set(Self.everywhere + operation.errors)
        if !operation.isOpen { names.formUnion(Self.guarded) }
        if !operation.isOpen, !operation.takesGivenPassword { names.insert("passwordChangeRequired") }
        if !operation.isOpen, !operation.takesMissingFactor { names.insert("secondFactorMissing") }
        if operation.body != nil || operation.isBodyRaw || operation.takesUpload { names.formUnion(Self.withBody) }
        if operation.method != "GET" {
            names.insert("outcomeUnknown")
            if hasReader || operation.checksConditions { names.insert("preconditionFailed") }
        }
        if operation.takesKey { names.insert("idempotencyKeyReused") }
        names.formUnion(operation.rpc?.method.errors ?? [])
        let text = (try node.text("summary") ?? "") + " " + (try node.text("description") ?? "")
        let quoted = text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        names.formUnion(quoted.filter { $0.offset % 2 == 1 }.map { String($0.element) })
        return registry.filter { names.contains($0.name) }
    }

    /// Returns one response for each status among `errors`, by reference; adds what they refer to to `components`.
    func responses(
        of errors: [RegistryEntry], into components: inout [String: SpecValue]
    ) -> [(key: String, value: SpecValue)] {
        var responses: [(key: String, value: SpecValue)] = []
        for (status, entries) in Dictionary(grouping: errors, by: \.status).sorted(by: { $0.key < $1.key }) {
            let name = entries.map { SwiftName.upperFirst($0.name) }.joined(separator: "Or")
            components[name] = Self.response(entries)
            responses.append((key: String(status), value: Self.reference("responses/\(name)")))
        }
        return responses
    }

    /// Returns an example of each error, for responses to refer to.
    func examples() -> [(key: String, value: SpecValue)] {
        registry.map { entry in
            (
                key: entry.name,
                value: .object([
                    (key: "summary", value: .string(entry.meaning)),
                    (
                        key: "value",
                        value: .object([
                            (key: "type", value: .string("urn:reelay:error:\(entry.name)")),
                            (key: "title", value: .string(entry.meaning)),
                            (key: "status", value: .int(entry.status)), (key: "code", value: .string(entry.name)),
                            (key: "trace_id", value: .string("4bf92f3577b34da6a3ce929d0e0e4736")),
                        ])
                    ),
                ])
            )
        }
    }

    private static func response(_ entries: [RegistryEntry]) -> SpecValue {
        let meanings = entries.map { "`\($0.name)`: \($0.meaning)" }.joined(separator: " ")
        var members: [(key: String, value: SpecValue)] = [(key: "description", value: .string(meanings))]
        let examples = entries.map { (key: $0.name, value: reference("examples/\($0.name)")) }
        members.append(
            (
                key: "content",
                value: .object([
                    (
                        key: "application/problem+json",
                        value: .object([
                            (key: "schema", value: reference("schemas/Problem")),
                            (key: "examples", value: .object(examples)),
                        ])
                    )
                ])
            ))
        var headers: [String] = []
        if entries.contains(where: { $0.status == 429 }) { headers.append("Retry-After") }
        if entries.contains(where: { $0.name == "unauthenticated" }) { headers.append("WWW-Authenticate") }
        return PublicHeaders.complete(.object(members), adding: headers)
    }

    private static func reference(_ place: String) -> SpecValue {
        .object([(key: "$ref", value: .string("#/components/" + place))])
    }
}
