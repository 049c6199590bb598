/// Conventions of all public operations, which are not declared by each: entity tags and conditional requests. They are
/// added to the document for clients, so that a new operation follows them by being declared.
enum PublicConventions {
    private static let writes = ["put", "post", "delete", "patch"]
    private static let tags = #"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#

    private static let tag = "\"rX0mQ8sVt3cN1kz2bQ7wLg\""

    static func apply(to document: SpecNode) throws(SpecError) -> SpecNode {
        let paths = try document.require("paths")
        var described: [(key: String, value: SpecValue)] = []
        for (path, item) in try paths.members() {
            described.append((key: path, value: try describe(item)))
        }
        guard case .object(var members) = document.value else { throw document.fail("must be an object") }
        set("paths", .object(described), in: &members)
        var components = try (document["components"] ?? document.child("components", .object([]))).members()
            .map { (key: $0.key, value: $0.node.value) }
        try add(parameters, to: "parameters", in: &components, document)
        try add(responses, to: "responses", in: &components, document)
        try add(PublicHeaders.components, to: "headers", in: &components, document)
        set("components", .object(components), in: &members)
        return SpecNode(file: document.file, path: document.path, value: .object(members))
    }

    private static func describe(_ item: SpecNode) throws(SpecError) -> SpecValue {
        var members = try item.members().map { (key: $0.key, value: $0.node.value) }
        guard let reader = item["get"] else { return .object(members) }
        set("get", try describe(reader: reader), in: &members)
        for verb in writes {
            guard let writer = item[verb] else { continue }
            var operation = try writer.members().map { (key: $0.key, value: $0.node.value) }
            set("parameters", try parameters(of: writer, adding: ["IfMatch"]), in: &operation)
            set(verb, .object(operation), in: &members)
        }
        return .object(members)
    }

    private static func describe(reader: SpecNode) throws(SpecError) -> SpecValue {
        var operation = try reader.members().map { (key: $0.key, value: $0.node.value) }
        // What is sent as it happens has no state that a tag could identify.
        if let answer = reader["responses"]?["200"], try answer.flag("x-stream") {
            return try describe(stream: reader, answer)
        }
        set("parameters", try parameters(of: reader, adding: ["IfNoneMatch"]), in: &operation)
        var answers: [(key: String, value: SpecValue)] = []
        for (status, answer) in try reader.require("responses").members() {
            guard status == "200", answer["$ref"] == nil else {
                answers.append((key: status, value: answer.value))
                continue
            }
            answers.append((key: status, value: PublicHeaders.complete(answer.value, adding: ["ETag"])))
        }
        let rest = answers.firstIndex { $0.key == "default" } ?? answers.count
        answers.insert((key: "304", value: reference("responses/NotModified")), at: rest)
        set("responses", .object(answers), in: &operation)
        return .object(operation)
    }

    /// The document states what an event contains; a client reads it in the fields of an event stream. Any other stream
    /// is a file, and has a name.
    private static func describe(stream reader: SpecNode, _ answer: SpecNode) throws(SpecError) -> SpecValue {
        let place = ["responses", "200"]
        guard let event = answer["content"]?["text/event-stream"]?["schema"] else {
            let file = PublicHeaders.complete(answer.value, adding: ["Content-Disposition"])
            return try replacing(place[...], of: reader, by: file)
        }
        func text(_ description: String) -> SpecValue {
            .object([("type", .string("string")), ("description", .string(description))])
        }
        let id = text("To be sent as Last-Event-ID when reconnecting.")
        let kind = text("The member of `data` that tells what happened, or a message about the stream itself.")
        let nothing = SpecValue.object([("type", .string("object")), ("maxProperties", .int(0))])
        let data = SpecValue.object([
            ("type", .string("string")), ("contentMediaType", .string("application/json")),
            ("contentSchema", .object([("anyOf", .array([event.value, nothing]))])),
        ])
        let fields = SpecValue.object([
            ("type", .string("object")),
            (
                "description",
                .string(
                    "One event. `data` tells what happened, as JSON, in the member that `event` names; it is `{}` for a "
                        + "message about the stream itself, which has no id.")
            ),
            ("additionalProperties", .bool(false)),
            ("required", .array([.string("event"), .string("data")])),
            ("properties", .object([("id", id), ("event", kind), ("data", data)])),
        ])
        return try replacing((place + ["content", "text/event-stream", "schema"])[...], of: reader, by: fields)
    }

    /// Returns `node` with a different value at `path`.
    private static func replacing(
        _ path: ArraySlice<String>, of node: SpecNode, by value: SpecValue
    ) throws(SpecError) -> SpecValue {
        guard let key = path.first else { return value }
        var members = try node.members().map { (key: $0.key, value: $0.node.value) }
        set(key, try replacing(path.dropFirst(), of: node.require(key), by: value), in: &members)
        return .object(members)
    }

    private static func parameters(of operation: SpecNode, adding names: [String]) throws(SpecError) -> SpecValue {
        .array(
            try (operation["parameters"]?.elements() ?? []).map(\.value) + names.map { reference("parameters/\($0)") })
    }

    private static func add(
        _ values: [(key: String, value: SpecValue)], to kind: String,
        in components: inout [(key: String, value: SpecValue)], _ document: SpecNode
    ) throws(SpecError) {
        var given = try document["components"]?[kind]?.members().map { (key: $0.key, value: $0.node.value) } ?? []
        for (name, _) in values where given.contains(where: { $0.key == name }) {
            throw document.fail("\(kind).\(name) is added by the generator")
        }
        given += values
        set(kind, .object(given), in: &components)
    }

    private static func set(_ key: String, _ value: SpecValue, in members: inout [(key: String, value: SpecValue)]) {
        if let position = members.firstIndex(where: { $0.key == key }) {
            members[position].value = value
        } else {
            members.append((key: key, value: value))
        }
    }

    private static func reference(_ place: String) -> SpecValue {
        .object([(key: "$ref", value: .string("#/components/" + place))])
    }

    private static var parameters: [(key: String, value: SpecValue)] {
        [
            (
                key: "IfNoneMatch",
                value: header(
                    "If-None-Match", "Answers 304 without a body if the resource still has one of these tags.",
                    examples: [tag, "*"])
            ),
            (
                key: "IfMatch",
                value: header(
                    "If-Match", "Changes nothing and answers 412 unless the resource has one of these tags.",
                    examples: ["*", tag])
            ),
        ]
    }

    private static func header(_ name: String, _ description: String, examples: [String]) -> SpecValue {
        .object([
            (key: "name", value: .string(name)), (key: "in", value: .string("header")),
            (key: "required", value: .bool(false)), (key: "description", value: .string(description)),
            (
                key: "schema",
                value: .object([
                    (key: "type", value: .string("string")), (key: "pattern", value: .string(tags)),
                    // For generators of test values: the pattern alone is hard to satisfy.
                    (key: "format", value: .string("entity-tags")),
                    (key: "maxLength", value: .int(1_000)),
                    (key: "examples", value: .array(examples.map { .string($0) })),
                ])
            ),
        ])
    }

    private static var responses: [(key: String, value: SpecValue)] {
        [
            (
                key: "NotModified",
                value: PublicHeaders.complete(
                    .object([(key: "description", value: .string("Your copy is current."))]),
                    adding: ["ETag"])
            )
        ]
    }
}
