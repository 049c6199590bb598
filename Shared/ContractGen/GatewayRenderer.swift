/// Third stage, the public surface: inputs, the protocol to implement, and the routes.
struct GatewayRenderer {
    let gateway: Gateway
    let declarations: [String: Declaration]

    private var handled: [Operation] { gateway.operations.filter { !$0.isDocument } }

    func inputs() -> String {
        // Decimal numbers are a type of that module.
        let hasTenths = handled.contains { operation in
            operation.parameters.contains { if case .tenths = $0.property.shape { true } else { false } }
        }
        var file = SwiftFile(imports: ["\(hasTenths ? "package" : "internal") import JSON", "internal import RPC"])
        var isFirst = true
        for operation in handled {
            if !isFirst { file.line() }
            isFirst = false
            input(operation, &file)
        }
        return file.text
    }

    private func input(_ operation: Operation, _ file: inout SwiftFile) {
        let properties = operation.parameters.map(\.property)
        file.line("/// The input of `\(operation.id)`.")
        let conformances = operation.takesUpload ? "Sendable" : "Sendable, Hashable"
        file.block("package struct \(operation.inputName): \(conformances)") { file in
            TypeRenderer.storage(properties, &file)
            var parameters = properties.map(\.parameter)
            if let body = operation.body {
                let type = ShapeRenderer.type(body) + (operation.isBodyRequired ? "" : "?")
                file.line("package var body: \(type)")
                parameters.append("body: \(type)\(operation.isBodyRequired ? "" : " = nil")")
            }
            if operation.isBodyRaw {
                file.line("package var body: EdgeBody")
                parameters.append("body: EdgeBody")
            }
            if operation.takesUpload {
                file.line("package var upload: EdgeUpload")
                parameters.append("upload: EdgeUpload")
            }
            let hasBody = operation.body != nil || operation.isBodyRaw
            let names =
                properties.map(\.swiftName) + (hasBody ? ["body"] : []) + (operation.takesUpload ? ["upload"] : [])
            TypeRenderer.memberwise(parameters, names, &file)
            TypeRenderer.patterns(properties, &file)
            file.line()
            file.line("/// Reads and checks `request`.")
            file.block("init(_ request: EdgeRequest) throws(RPCError)") { file in
                for parameter in operation.parameters {
                    let property = parameter.property
                    let function = property.isRequired ? "required" : "optional"
                    let isText = property.shape.isText(declarations) ?? true
                    let call =
                        "\(SwiftName.quoted(property.swiftName)) = try request.\(function)"
                        + "(.\(parameter.place.rawValue), \(literal(property.wireName)), isText: \(isText)"
                    if property.shape.isDecodable {
                        file.line("\(call), \(ShapeRenderer.type(property.shape)).init(from:))")
                    } else {
                        let pattern = "Self.\(property.swiftName)Pattern"
                        file.line("\(call)) \(ShapeRenderer.closure(property.shape, pattern))")
                    }
                }
                if operation.isBodyRaw { file.line("body = request.rawBody()") }
                if let body = operation.body {
                    let function = operation.isBodyRequired ? "requiredBody" : "optionalBody"
                    file.line("body = try request.\(function)(\(ShapeRenderer.type(body)).self)")
                }
                if operation.takesUpload { file.line("upload = try request.requiredUpload()") }
            }
        }
    }

    func api() -> String {
        var file = SwiftFile(imports: ["package import RPC"] + (needsJSON ? ["package import JSON"] : []))
        clients(&file)
        file.line(
            "/// What the public surface answers; operations that are one internal call have an implementation below.")
        file.block("package protocol GatewayAPI: Sendable") { file in
            if !serviceNames.isEmpty {
                file.line("var clients: GatewayClients { get }")
                file.line()
            }
            for operation in handled {
                file.doc(operation.doc)
                let signature = operation.signature
                file.list(signature.head, signature.items, signature.tail)
            }
        }
        let forwarded = handled.filter { $0.rpc != nil }
        if !forwarded.isEmpty {
            file.line()
            file.block("extension GatewayAPI") { file in
                var isFirst = true
                for operation in forwarded {
                    if !isFirst { file.line() }
                    isFirst = false
                    forwarding(operation, &file)
                }
            }
        }
        for operation in handled where operation.replies.count > 1 {
            file.line()
            output(operation, &file)
        }
        return file.text
    }

    private var needsJSON: Bool {
        handled.contains { operation in operation.replies.contains { $0.body == .json } }
    }

    private var serviceNames: [String] {
        Set(handled.compactMap { $0.rpc?.service.name }).sorted()
    }

    private func clients(_ file: inout SwiftFile) {
        guard !serviceNames.isEmpty else { return }
        file.line("/// The services that operations with `x-rpc` call.")
        file.block("package struct GatewayClients: Sendable") { file in
            for name in serviceNames { file.line("package let \(name): \(SwiftName.type(name))Client") }
            TypeRenderer.memberwise(serviceNames.map { "\($0): \(SwiftName.type($0))Client" }, serviceNames, &file)
        }
        file.line()
    }

    private func forwarding(_ operation: Operation, _ file: inout SwiftFile) {
        guard let (service, method) = operation.rpc, let reply = operation.replies.first else { return }
        let body = RPCForwarding.bodyRecord(operation, declarations)
        let signature = operation.signature
        file.block("package " + signature.head, signature.items, signature.tail) { file in
            let arguments = method.params.properties.compactMap { property in
                RPCForwarding.source(of: property, in: operation, body).map { "\(property.swiftName): \($0)" }
            }
            file.list("let params = \(method.params.name)", arguments, "")
            let call = "context.rpc.outgoing(\(operation.takesKey ? "idempotencyKey: input.idempotencyKey" : ""))"
            let expression = "try await clients.\(service.name).\(SwiftName.quoted(method.swiftName))(params, \(call))"
            if reply.body == nil {
                file.line("_ = \(expression)")
                file.line("return .nothing()")
            } else {
                file.line("return EdgeReply(\(expression))")
            }
        }
    }

    private func output(_ operation: Operation, _ file: inout SwiftFile) {
        file.line("/// The successful answers of `\(operation.id)`.")
        file.block("package enum \(operation.outputName): Sendable") { file in
            for reply in operation.replies { file.line("case status\(reply.status)(\(reply.type))") }
            file.line()
            file.block("var response: EdgeResponse") { file in
                file.line("switch self {")
                for reply in operation.replies {
                    file.line("case .status\(reply.status)(let reply): EdgeResponse(\(reply.status), reply)")
                }
                file.line("}")
            }
        }
    }

    func routes() -> String {
        var file = SwiftFile(imports: ["internal import RPC"])
        file.line("/// The routes of the public API, in the order of the contract.")
        file.block("package enum GatewayRoutes") { file in
            file.block("package static func all(_ api: some GatewayAPI) -> [EdgeRoute]") { file in
                file.line("[")
                for operation in gateway.operations {
                    file.line("    \(SwiftName.quoted(operation.id))\(operation.isDocument ? "()" : "(api)"),")
                }
                file.line("]")
            }
            for operation in gateway.operations {
                file.line()
                route(operation, &file)
            }
        }
        return file.text
    }

    private func route(_ operation: Operation, _ file: inout SwiftFile) {
        let argument = operation.isDocument ? "" : "_ api: some GatewayAPI"
        let place = "\(literal(operation.id)), \(literal(operation.method)), \(literal(operation.path))"
        file.block("private static func \(SwiftName.quoted(operation.id))(\(argument)) -> EdgeRoute") { file in
            let scope = operation.isOpen ? [] : ["scope: \(operation.scope.map(literal) ?? "nil")"]
            let flags = [
                ("takesGivenPassword", operation.takesGivenPassword),
                ("takesMissingFactor", operation.takesMissingFactor), ("isRepresentation", operation.isRepresentation),
                ("checksConditions", operation.checksConditions), ("takesKey", operation.takesKey),
                ("takesAnyBody", operation.isBodyRaw), ("takesUpload", operation.takesUpload),
            ].filter(\.1).map { "\($0.0): true" }
            let arguments = [place] + scope + flags
            let names = operation.isOpen ? ["request", "context"] : ["request", "caller", "context"]
            let list = (operation.isDocument ? names.map { _ in "_" } : names).joined(separator: ", ")
            file.line("EdgeRoute.\(operation.isOpen ? "open" : "bearer")(\(arguments.joined(separator: ", "))) {")
            file.line("    (\(list)) async throws(RPCError) in")
            if operation.isDocument {
                file.line("    EdgeResponse(document: PublicDocument.openAPI)")
            } else {
                let function = "api.\(SwiftName.quoted(operation.id))"
                let call = names.dropFirst().joined(separator: ", ")
                file.line("    let reply = try await \(function)(\(operation.inputName)(request), \(call))")
                let single = operation.replies.count == 1 ? operation.replies.first : nil
                file.line("    return " + (single.map { "EdgeResponse(\($0.status), reply)" } ?? "reply.response"))
            }
            file.line("}")
        }
    }
}

extension Operation {
    var typeName: String { SwiftName.upperFirst(id) }
    var inputName: String { typeName + "Input" }
    var outputName: String { typeName + "Output" }

    var doc: String {
        let place = "`\(method) \(path)`"
        let failures = errors.isEmpty ? "" : " Errors: \(errors.joined(separator: ", "))."
        return "\(summary) \(place).\(failures)"
    }

    /// The protocol's function, in the parts that may be placed on separate lines.
    var signature: (head: String, items: [String], tail: String) {
        let result = replies.count == 1 ? replies[0].type : outputName
        let caller = isOpen ? [] : ["_ caller: EdgeCaller"]
        return (
            head: "func \(SwiftName.quoted(id))",
            items: ["_ input: \(inputName)"] + caller + ["_ context: EdgeContext"],
            tail: " async throws(RPCError) -> \(result)"
        )
    }
}

extension Reply {
    var type: String {
        if isStream { return "EdgeReply<EdgeStream>" }
        let type = body.map(ShapeRenderer.type) ?? "EdgeNothing"
        return isWritten ? "EdgeReply<EdgeWritten<\(type)>>" : "EdgeReply<\(type)>"
    }
}
