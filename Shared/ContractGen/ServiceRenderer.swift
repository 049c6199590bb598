/// Third stage, services: the protocol to implement, the client, the routes, the document, and the error registry.
enum ServiceRenderer {
    static func render(_ service: Service) -> String {
        var file = SwiftFile(imports: ["package import RPC"])
        let name = service.typeName
        file.line("/// The methods of the \(service.name) service, to be implemented.")
        file.block("package protocol \(name)API: Sendable") { file in
            for method in service.methods {
                file.doc(method.doc)
                file.list(
                    "func \(SwiftName.quoted(method.swiftName))",
                    ["_ params: \(method.params.name)", "_ context: RPCContext"],
                    " async throws(RPCError) -> \(ShapeRenderer.type(method.result))")
            }
        }
        file.line()
        file.line("/// The methods of the \(service.name) service by name.")
        file.block("package enum \(name)Methods") { file in
            for method in service.methods {
                file.line(
                    "package static let \(SwiftName.quoted(method.swiftName)) = RPCMethod(name: "
                        + "\(literal(method.wireName)), isIdempotent: \(method.isIdempotent))")
            }
        }
        file.line()
        client(service, &file)
        file.line()
        file.line("/// Binds an implementation of the \(service.name) service to a router.")
        file.block("package enum \(name)Routes") { file in
            file.block("package static func register(_ api: some \(name)API, on router: inout RPCRouter)") { file in
                for method in service.methods {
                    let swiftName = SwiftName.quoted(method.swiftName)
                    file.block("router.register(\(name)Methods.\(swiftName))") { file in
                        file.line("(params: \(method.params.name), context) async throws(RPCError) in")
                        file.line("try await api.\(swiftName)(params, context)")
                    }
                }
                file.line("router.describe(\(name)Document.openRPC)")
            }
        }
        return file.text
    }

    private static func client(_ service: Service, _ file: inout SwiftFile) {
        let name = service.typeName
        file.line("/// Calls the \(service.name) service.")
        file.block("package struct \(name)Client: Sendable") { file in
            file.line("private let caller: any RPCCaller")
            file.line()
            file.line("package init(_ caller: any RPCCaller) { self.caller = caller }")
            for method in service.methods {
                file.line()
                file.doc(method.doc)
                let swiftName = SwiftName.quoted(method.swiftName)
                file.block(
                    "package func \(swiftName)", ["_ params: \(method.params.name)", "_ call: RPCCall"],
                    " async throws(RPCError) -> \(ShapeRenderer.type(method.result))"
                ) { file in file.line("try await caller.call(\(name)Methods.\(swiftName), params, call)") }
            }
        }
    }

    /// Renders a document as text compiled into the program.
    static func document(_ json: String, type: String, property: String, what: String) -> String {
        var file = SwiftFile(imports: [])
        file.line("/// \(what)")
        file.block("package enum \(type)") { file in
            file.line("/// UTF-8, self-contained.")
            file.line("package static let \(property): [UInt8] = Array(")
            file.line("    UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))")
            file.line()
            file.line("private static let text: StaticString = ##\"\"\"")
            for line in json.split(separator: "\n") { file.line("    " + line) }
            file.line("    \"\"\"##")
        }
        return file.text
    }

    static func registry(_ entries: [RegistryEntry]) -> String {
        var file = SwiftFile(imports: ["package import JSON", "package import RPC"])
        file.line("/// The error registry: every error code that the contracts define, with its meaning.")
        file.block("package enum RegistryError: String, Sendable, Hashable, CaseIterable") { file in
            for entry in entries {
                file.doc(entry.meaning)
                file.line("case \(SwiftName.quoted(entry.name))")
            }
            table(entries, "The JSON-RPC code.", "code: Int") {
                String($0.code)
            } to: {
                file.line($0)
            }
            table(entries, "The HTTP status at the public edge.", "status: Int") {
                String($0.status)
            } to: {
                file.line($0)
            }
            table(entries, "One sentence that may be shown.", "meaning: String") {
                literal($0.meaning)
            } to: {
                file.line($0)
            }
            file.line()
            file.line("/// Whether the same call may succeed later, unchanged.")
            file.block("package var isRetryable: Bool") { file in
                file.line("switch self {")
                for entry in entries { file.line("case .\(entry.name): \(entry.isRetryable)") }
                file.line("}")
            }
            file.line()
            file.line("/// Looks up a code; nil if it is not in the registry.")
            file.block("package init?(code: Int)") { file in
                file.line("switch code {")
                for entry in entries { file.line("case \(entry.code): self = .\(entry.name)") }
                file.line("default: return nil")
                file.line("}")
            }
            file.line()
            file.line("/// Makes the error to throw; its message is the meaning unless another one is given.")
            file.block("package func error(_ message: String? = nil, data: JSONBytes? = nil) -> RPCError") { file in
                file.line("RPCError(code: code, message: message ?? meaning, data: data, isRetryable: isRetryable)")
            }
        }
        file.line()
        file.block("extension RPCError") { file in
            for entry in entries {
                file.doc(entry.meaning)
                file.block(
                    "package static func \(SwiftName.quoted(entry.name))",
                    ["_ message: String? = nil", "data: JSONBytes? = nil"], " -> RPCError"
                ) { file in file.line("RegistryError.\(entry.name).error(message, data: data)") }
            }
        }
        return file.text
    }

    private static func table(
        _ entries: [RegistryEntry], _ doc: String, _ property: String, _ value: (RegistryEntry) -> String,
        to line: (String) -> Void
    ) {
        line("")
        line("/// \(doc)")
        line("package var \(property) {")
        line("    switch self {")
        for entry in entries {
            let value = value(entry)
            line("    case .\(entry.name):" + (value.count > 80 ? "\n        " : " ") + value)
        }
        line("    }")
        line("}")
    }
}

extension Method {
    var doc: String { errors.isEmpty ? summary : "\(summary) Errors: \(errors.joined(separator: ", "))." }
}
