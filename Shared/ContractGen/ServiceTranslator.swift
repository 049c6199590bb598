/// Second stage, OpenRPC: the methods of one service.
struct ServiceTranslator {
    let document: SpecNode
    let registry: [RegistryEntry]

    func translate(_ schemas: inout SchemaTranslator) throws(SpecError) -> Service {
        try document.only(["openrpc", "info", "servers", "methods"], "in an OpenRPC document")
        let version = try document.require("openrpc")
        guard try version.string().hasPrefix("1.3") else { throw version.fail("must be OpenRPC 1.3") }
        let name = String(document.file.split(separator: ".")[0])
        var methods: [Method] = []
        for node in try document.require("methods").elements() {
            let method = try method(node, of: name, &schemas)
            if methods.contains(where: { $0.wireName == method.wireName }) {
                throw node.fail("the method \(method.wireName) is declared twice")
            }
            methods.append(method)
        }
        return Service(name: name, methods: methods, document: "")
    }

    private func method(
        _ node: SpecNode, of service: String, _ schemas: inout SchemaTranslator
    ) throws(SpecError) -> Method {
        try node.only(
            [
                "name", "summary", "description", "tags", "params", "paramStructure", "result", "errors", "examples",
                "x-idempotent", "x-provoke",
            ], "in a method")
        let wireName = try node.require("name").string()
        let parts = wireName.split(separator: ".")
        guard parts.count == 2, parts[0] == service, SwiftName.isMember(String(parts[1])) else {
            throw node.fail("\(wireName) must be \(service).something")
        }
        guard try node.require("paramStructure").string() == "by-name" else {
            throw node.fail("paramStructure must be by-name")
        }
        let swiftName = SwiftName.property(String(parts[1]))
        let base = SwiftName.upperFirst(swiftName)
        let params = try params(node, named: base + "Params", &schemas)
        let result = try node.require("result")
        try result.only(["name", "summary", "description", "schema", "required"], "in a result")
        let shape = try schemas.shape(try result.require("schema"), name: base + "Result")
        switch shape {
        case .named, .json: break
        default: throw result.fail("a result must be a declared type or x-json")
        }
        return Method(
            wireName: wireName, swiftName: swiftName, summary: try node.text("summary") ?? "",
            isIdempotent:
                try node.flag("x-idempotent"), params: params, result: shape, errors: try errors(node))
    }

    private func params(
        _ node: SpecNode, named name: String, _ schemas: inout SchemaTranslator
    ) throws(SpecError) -> Record {
        var properties: [Property] = []
        for param in try node.require("params").elements() {
            try param.only(["name", "required", "schema", "summary", "description"], "in a parameter")
            properties.append(
                try schemas.property(
                    try param.require("name").string(), try param.require("schema"),
                    isRequired: try param.flag("required"), in: name, doc: try param.text("description")))
        }
        guard properties.count <= 64, Set(properties.map(\.swiftName)).count == properties.count else {
            throw node.fail("must have at most 64 parameters of different names")
        }
        let record = Record(name: name, doc: nil, properties: properties)
        // Two services may have methods of the same name; identical params are then one type.
        if case .record(record)? = schemas.declarations[name] { return record }
        try schemas.declare(.record(record), node)
        return record
    }

    private func errors(_ node: SpecNode) throws(SpecError) -> [String] {
        var names: [String] = []
        for error in try node["errors"]?.elements() ?? [] {
            try error.only(["$ref"], "beside a reference to the registry")
            let reference = try error.require("$ref")
            let text = try reference.string()
            guard text.hasPrefix("errors.yaml#/"), let name = text.split(separator: "/").last.map(String.init),
                registry.contains(where: { $0.name == name })
            else { throw reference.fail("\(text) is not in the registry") }
            names.append(name)
        }
        return names
    }
}
