/// Second stage, OpenAPI: the operations of the public surface.
struct GatewayTranslator {
    let document: SpecNode
    let registry: [RegistryEntry]
    let services: [Service]

    private static let verbs = ["get", "put", "post", "delete", "patch"]

    func translate(_ schemas: inout SchemaTranslator) throws(SpecError) -> Gateway {
        try document.only(
            ["openapi", "info", "servers", "security", "tags", "paths", "components"], "in an OpenAPI document")
        let version = try document.require("openapi")
        guard try version.string().hasPrefix("3.1") else { throw version.fail("must be OpenAPI 3.1") }
        var operations: [Operation] = []
        for (path, item) in try document.require("paths").members() {
            try item.only(Set(Self.verbs + ["parameters", "summary", "description"]), "in a path")
            for verb in Self.verbs {
                guard let node = item[verb] else { continue }
                let shared = try item["parameters"]?.elements() ?? []
                let operation = try operation(node, verb, path, shared, &schemas)
                if operations.contains(where: { $0.id == operation.id }) {
                    throw node.fail("the operation \(operation.id) is declared twice")
                }
                operations.append(operation)
            }
        }
        for index in operations.indices {
            operations[index].isRepresentation = represents(operations[index], operations)
        }
        return Gateway(operations: operations, document: "")
    }

    /// Whether every response of `operation` has a type that GET returns for its path.
    private func represents(_ operation: Operation, _ all: [Operation]) -> Bool {
        guard operation.method != "DELETE", operation.replies.allSatisfy({ $0.body != nil }),
            let reader = all.first(where: { $0.method == "GET" && $0.path == operation.path })
        else { return false }
        let shapes = Set(reader.replies.map(\.body))
        return operation.replies.allSatisfy { shapes.contains($0.body) }
    }

    private func operation(
        _ node: SpecNode, _ verb: String, _ path: String, _ shared: [SpecNode], _ schemas: inout SchemaTranslator
    ) throws(SpecError) -> Operation {
        try node.only(
            [
                "operationId", "tags", "summary", "description", "security", "parameters", "requestBody", "responses",
                "x-scope", "x-rpc", "x-errors", "x-document", "x-example", "x-provoke", "x-conditional", "x-repeatable",
                "x-given-password", "x-missing-factor",
            ], "in an operation")
        let id = try node.require("operationId").string()
        guard SwiftName.isMember(id), SwiftName.property(id) == id else {
            throw node.fail("\(id) is not a valid name for an operation")
        }
        let name = SwiftName.upperFirst(id)
        let parameters = try parameters(shared + (try node["parameters"]?.elements() ?? []), name, path, node, &schemas)
        let body = try body(node, name, &schemas)
        if verb == "get" || verb == "delete", body != nil { throw node.fail("\(verb) takes no body") }
        let isOpen = try node["security"].map { (security) throws(SpecError) in
            try checkSchemes(security)
            return true
        }
        let scope = try node.text("x-scope")
        if isOpen != nil, scope != nil { throw node.fail("x-scope is not supported with security: []") }
        let takesGivenPassword = try node.flag("x-given-password")
        if isOpen != nil, takesGivenPassword { throw node.fail("x-given-password is not supported with security: []") }
        let takesMissingFactor = try node.flag("x-missing-factor")
        if isOpen != nil, takesMissingFactor { throw node.fail("x-missing-factor is not supported with security: []") }
        let takesUpload = try node["requestBody"]?.flag("x-upload") ?? false
        let operation = Operation(
            id: id, summary: try node.text("summary") ?? "", method: verb.uppercased(), path: path,
            isOpen: isOpen ?? false, scope: scope, takesGivenPassword: takesGivenPassword,
            takesMissingFactor: takesMissingFactor, isRepeatable: try node.flag("x-repeatable"),
            parameters: parameters, body: body?.shape,
            isBodyRequired: body?.isRequired ?? false, isBodyRaw: try node["requestBody"]?.flag("x-raw") ?? false,
            takesUpload: takesUpload, replies: try replies(node, name, &schemas),
            checksConditions: try node.flag("x-conditional"), errors: try errors(node), rpc: try rpc(node),
            isDocument: try node.flag("x-document"))
        try RPCForwarding.check(operation, node)
        return operation
    }

    /// Refuses requirements of an operation that are those of all others, or not declared. An operation with its own
    /// scheme is open as far as the edge is concerned, and checks the token itself.
    private func checkSchemes(_ security: SpecNode) throws(SpecError) {
        for requirement in try security.elements() {
            for (scheme, node) in try requirement.members() {
                if scheme == "bearer" { throw node.fail("must be left out, as for all operations") }
                guard document["components"]?["securitySchemes"]?[scheme] != nil else {
                    throw node.fail("there is no scheme \(scheme)")
                }
            }
        }
    }

    private func parameters(
        _ nodes: [SpecNode], _ name: String, _ path: String, _ operation: SpecNode, _ schemas: inout SchemaTranslator
    ) throws(SpecError) -> [Parameter] {
        var result: [Parameter] = []
        for node in nodes {
            var parameter = node
            if let reference = node["$ref"] { parameter = try schemas.target(reference) }
            try parameter.only(["name", "in", "required", "schema", "description", "example"], "in a parameter")
            let placeNode = try parameter.require("in")
            guard let place = ParameterPlace(rawValue: try placeNode.string()) else {
                throw placeNode.fail("a parameter must be in path, query or header")
            }
            let isRequired = try parameter.flag("required")
            if place == .path, !isRequired { throw parameter.fail("a path parameter must be required") }
            let property = try schemas.property(
                try parameter.require("name").string(), try parameter.require("schema"), isRequired: isRequired,
                in: name + "Input", doc: try parameter.text("description"))
            guard property.shape.isText(schemas) != nil else {
                throw parameter.fail("a parameter must be a string, number, boolean or an id")
            }
            result.append(Parameter(place: place, property: property))
        }
        let templated = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            String($0.dropFirst().dropLast())
        }
        let declared = result.filter { $0.place == .path }.map(\.property.wireName)
        guard Set(templated) == Set(declared), templated.count == declared.count else {
            throw operation.fail("path parameters \(declared) do not fit \(path)")
        }
        let names = result.map(\.property.swiftName)
        guard Set(names).count == names.count, !names.contains("body"), !names.contains("upload")
        else {
            throw operation.fail("parameters must have different names, none of them body or upload")
        }
        return result
    }

    private func body(
        _ node: SpecNode, _ name: String, _ schemas: inout SchemaTranslator
    ) throws(SpecError) -> (shape: Shape, isRequired: Bool)? {
        guard let body = node["requestBody"] else { return nil }
        try body.only(["required", "content", "description", "x-raw", "x-upload"], "in a request body")
        // The forms are described for readers; the handler sees which one it gets.
        if try body.flag("x-upload") { return nil }
        let content = try body.require("content")
        if try body.flag("x-raw") {
            // The forms are described for readers; the handler distinguishes them.
            if let media = content["application/json"] {
                _ = try schemas.shape(try media.require("schema"), name: name + "Body")
            }
            return nil
        }
        try content.only(["application/json"], "as a request body")
        let media = try content.require("application/json")
        try media.only(["schema", "examples", "example"], "in a media type")
        let shape = try schemas.shape(try media.require("schema"), name: name + "Body")
        guard case .named = shape else { throw media.fail("a request body must be a declared type") }
        return (shape, try body.flag("required"))
    }

    private func replies(
        _ node: SpecNode, _ name: String, _ schemas: inout SchemaTranslator
    ) throws(SpecError) -> [Reply] {
        var replies: [Reply] = []
        for (status, given) in try node.require("responses").members() where status != "default" {
            var response = given
            if let reference = given["$ref"] { response = try schemas.target(reference) }
            try response.only(["description", "content", "headers", "x-stream", "x-written"], "in a response")
            guard let code = Int(status), (200...599).contains(code) else { throw response.fail("is not a status") }
            if code >= 400 { throw response.fail("errors belong to x-errors and the default response") }
            guard let content = response["content"] else {
                replies.append(Reply(status: code, body: nil))
                continue
            }
            if try response.flag("x-stream") {
                for (_, media) in try content.members() {
                    if let schema = media["schema"] { _ = try schemas.shape(schema, name: name + "Stream") }
                }
                replies.append(Reply(status: code, body: nil, isStream: true))
                continue
            }
            try content.only(["application/json"], "as a response")
            let media = try content.require("application/json")
            let shape = try schemas.shape(try media.require("schema"), name: name + "Reply")
            switch shape {
            case .named, .json:
                replies.append(Reply(status: code, body: shape, isWritten: try response.flag("x-written")))
            default: throw media.fail("a response must be a declared type or x-json")
            }
        }
        guard !replies.isEmpty else { throw node.fail("has no response below 400") }
        return replies.sorted { $0.status < $1.status }
    }

    private func errors(_ node: SpecNode) throws(SpecError) -> [String] {
        var names: [String] = []
        for error in try node["x-errors"]?.elements() ?? [] {
            let name = try error.string()
            guard registry.contains(where: { $0.name == name }) else {
                throw error.fail("\(name) is not in the registry")
            }
            names.append(name)
        }
        return names
    }

    private func rpc(_ node: SpecNode) throws(SpecError) -> (service: Service, method: Method)? {
        guard let rpc = node["x-rpc"] else { return nil }
        let name = try rpc.string()
        for service in services {
            if let method = service.methods.first(where: { $0.wireName == name }) { return (service, method) }
        }
        throw rpc.fail("there is no method \(name)")
    }
}

/// How an operation with `x-rpc` fills the params of its method: by equal names, but with `user`, and a `time_zone`
/// that is not given, from the caller.
enum RPCForwarding {
    /// Returns the Swift expression for `property` of the method's params, or nil if an optional one is omitted.
    static func source(of property: Property, in operation: Operation, _ bodyRecord: Record?) -> String? {
        if property.wireName == "user", !operation.isOpen { return "caller.user" }
        let zone = property.wireName == "time_zone" && !operation.isOpen ? "caller.timeZone" : nil
        func given(_ path: String, _ member: Property) -> String {
            let source = path + SwiftName.quoted(member.swiftName)
            guard let zone, !member.isRequired else { return source }
            return "\(source) ?? \(zone)"
        }
        if let parameter = operation.parameters.first(where: { $0.property.wireName == property.wireName }) {
            return given("input.", parameter.property)
        }
        if let member = bodyRecord?.properties.first(where: { $0.wireName == property.wireName }) {
            return given("input.body.", member)
        }
        return zone
    }

    /// Refuses faults that show in the operation alone; names and types are checked once all types are known.
    static func check(_ operation: Operation, _ node: SpecNode) throws(SpecError) {
        guard let rpc = operation.rpc else { return }
        guard operation.replies.count == 1, let reply = operation.replies.first else {
            throw node.fail("x-rpc needs exactly one response below 400")
        }
        if let body = reply.body, body != rpc.method.result {
            throw node.fail("x-rpc \(rpc.method.wireName) returns another type")
        }
        if operation.body != nil, !operation.isBodyRequired { throw node.fail("x-rpc needs a required body") }
        if reply.isWritten { throw node.fail("x-rpc and x-written are not supported together") }
    }

    /// Refuses an operation whose names or types do not fit its method.
    static func check(
        _ operation: Operation, _ declarations: [String: Declaration], file: String
    ) throws(SpecError) {
        guard let method = operation.rpc?.method else { return }
        func fail(_ reason: String) -> SpecError {
            SpecError(file: file, path: operation.id, reason: "x-rpc \(method.wireName): \(reason)")
        }
        let body = bodyRecord(operation, declarations)
        var given = operation.parameters.map(\.property).filter { $0.wireName != "Idempotency-Key" }
        given += body?.properties ?? []
        for property in given {
            guard let param = method.params.properties.first(where: { $0.wireName == property.wireName }) else {
                throw fail("\(property.wireName) is not one of its parameters")
            }
            guard param.shape == property.shape, property.isRequired || !param.isRequired else {
                throw fail("\(property.wireName) is of another type")
            }
        }
        for param in method.params.properties where param.isRequired && source(of: param, in: operation, body) == nil {
            throw fail("nothing provides \(param.wireName)")
        }
    }

    static func bodyRecord(_ operation: Operation, _ declarations: [String: Declaration]) -> Record? {
        guard case .named(let name)? = operation.body, case .record(let record)? = declarations[name] else {
            return nil
        }
        return record
    }
}

extension Shape {
    /// Whether a parameter of this shape is JSON in quotes (true) or bare (false); nil if it is not a scalar.
    func isText(_ schemas: SchemaTranslator) -> Bool? { isText(schemas.declarations) }

    func isText(_ declarations: [String: Declaration]) -> Bool? {
        switch self {
        case .string, .date, .instant: true
        case .int, .double, .tenths, .bool: false
        case .named(let name):
            switch declarations[name] {
            case .enumeration, .identifier, .text: true
            default: nil
            }
        default: nil
        }
    }
}
