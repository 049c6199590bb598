/// Parse → translate → render: turns the contract documents into the files of `Generated/`; no I/O.
package enum ContractGenerator {
    /// Maps the documents by file name (`schemas.yaml`, `ratings.openrpc.yaml`, …) to the generated files by relative
    /// path.
    ///
    /// The same documents always yield the same bytes. Throws the first construct outside the supported subset.
    package static func generate(_ texts: [String: String]) throws(SpecError) -> [String: String] {
        var documents: [String: SpecNode] = [:]
        for (file, text) in texts.sorted(by: { $0.key < $1.key }) {
            documents[file] = try SpecParser.parse(text, file: file)
        }
        return try render(try translate(documents))
    }

    static func translate(_ documents: [String: SpecNode]) throws(SpecError) -> ContractModel {
        var model = ContractModel()
        if let registry = documents["errors.yaml"] { model.registry = try RegistryTranslator.translate(registry) }
        var schemas = SchemaTranslator(documents: documents)
        if let shared = documents["schemas.yaml"] { try translateAll(shared, &schemas) }
        for (file, document) in documents.sorted(by: { $0.key < $1.key }) where file.hasSuffix(".openrpc.yaml") {
            let service = try ServiceTranslator(document: document, registry: model.registry).translate(&schemas)
            var bundler = DocumentBundler(documents: documents, registry: model.registry)
            let text = try bundler.bundle(document)
            model.services.append(Service(name: service.name, methods: service.methods, document: text))
        }
        if let document = documents["openapi.yaml"] {
            if document["components"]?["schemas"] != nil { try translateAll(document, &schemas) }
            let translator = GatewayTranslator(
                document: document, registry: model.registry, services: model.services)
            let gateway = try translator.translate(&schemas)
            for operation in gateway.operations {
                try RPCForwarding.check(operation, schemas.declarations, file: document.file)
            }
            var bundler = DocumentBundler(documents: documents, registry: model.registry, isForStrangers: true)
            let completion = PublicCompletion(
                registry: model.registry, operations: gateway.operations,
                examples: SchemaExample(documents: documents, schemas: schemas))
            let described = try completion.apply(to: PublicConventions.apply(to: document))
            model.gateway = Gateway(operations: gateway.operations, document: try bundler.bundle(described))
        }
        try schemas.refuseEndlessTypes("schemas.yaml")
        model.declarations = schemas.declarations.values.sorted { $0.name < $1.name }
        return model
    }

    /// Translates every named schema, used or not, so that no error goes unnoticed.
    private static func translateAll(_ document: SpecNode, _ schemas: inout SchemaTranslator) throws(SpecError) {
        try document["components"]?.only(
            ["schemas", "parameters", "responses", "securitySchemes"], "in components")
        for (name, _) in try document.require("components").require("schemas").members() {
            let reference = SpecNode(
                file: document.file, path: ["components", "schemas", name],
                value: .object([("$ref", .string("#/components/schemas/\(name)"))]))
            _ = try schemas.shape(reference, name: name)
        }
    }

    static func render(_ model: ContractModel) throws(SpecError) -> [String: String] {
        var files: [String: String] = [:]
        for declaration in model.declarations {
            files["Types/\(declaration.name).swift"] = TypeRenderer.render(declaration)
        }
        if !model.registry.isEmpty { files["RegistryError.swift"] = ServiceRenderer.registry(model.registry) }
        for service in model.services {
            let name = service.typeName
            // A service called only by frontends has a document and no methods.
            if !service.methods.isEmpty { files["\(name).swift"] = ServiceRenderer.render(service) }
            files["\(name)Document.swift"] = ServiceRenderer.document(
                service.document, type: "\(name)Document", property: "openRPC",
                what: "The OpenRPC document of the \(service.name) service, as `rpc.discover` answers it.")
        }
        if let gateway = model.gateway {
            let declarations = Dictionary(uniqueKeysWithValues: model.declarations.map { ($0.name, $0) })
            let renderer = GatewayRenderer(gateway: gateway, declarations: declarations)
            files["GatewayInputs.swift"] = renderer.inputs()
            files["GatewayAPI.swift"] = renderer.api()
            files["GatewayRoutes.swift"] = renderer.routes()
            files["PublicDocument.swift"] = ServiceRenderer.document(
                gateway.document, type: "PublicDocument", property: "openAPI",
                what: "The OpenAPI document of the public surface.")
        }
        return files
    }
}
