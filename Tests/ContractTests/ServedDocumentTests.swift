import Foundation
import Stack
import Testing

/// The OpenAPI document as the gateway serves it: complete, and true.
@Suite(.stack)
struct ServedDocumentTests {
    private static let verbs = ["get", "put", "post", "delete", "patch"]
    private static let file = "served"

    /// The document, and its operations.
    private func served() async throws -> (documents: ContractDocuments, operations: [(name: String, node: Tree)]) {
        let port = try #require(Stack.current).service("gateway").port
        let answer = try await Wire.send("GET", "http://127.0.0.1:\(port)/api/v1/openapi.json")
        #expect(answer.status == 200)
        let document = try Tree(json: answer.body)
        var operations: [(name: String, node: Tree)] = []
        for (path, item) in document["paths"]?.members ?? [:] {
            for verb in Self.verbs { if let node = item[verb] { operations.append(("\(verb) \(path)", node)) } }
        }
        #expect(operations.count > 150)
        return (ContractDocuments(files: [Self.file: document]), operations)
    }

    @Test("Every operation says what it does, who may do it, and what a request and an answer look like")
    func complete() async throws {
        let (documents, operations) = try await served()
        let check = SchemaCheck(documents: documents)
        for (name, node) in operations {
            for member in ["operationId", "summary", "description"] {
                #expect(node[member]?.text?.isEmpty == false, "\(name) has no \(member)")
            }
            #expect(node["security"] != nil && node["tags"]?.items.count == 1, "\(name)")
            var contents: [(String, Tree)] = []
            if let body = node["requestBody"]?["content"] { contents.append(("request", body)) }
            for (status, answer) in node["responses"]?.members ?? [:] where status.hasPrefix("2") {
                if let content = answer["content"] { contents.append((status, content)) }
            }
            for (place, content) in contents {
                guard let media = content.members["application/json"], let schema = media["schema"] else { continue }
                let example = try #require(media["example"], "\(name), \(place) has no example")
                let faults = check.faults(example, schema, in: Self.file, at: place)
                #expect(faults.isEmpty, "\(name): \(faults)")
            }
        }
    }

    @Test("Every operation lists the errors that anything can give, each with an example that is one")
    func errors() async throws {
        let (documents, operations) = try await served()
        let registry = ContractTests.documents.files["errors.yaml"]?["errors"]?.items ?? []
        let check = SchemaCheck(documents: documents)
        for (name, node) in operations {
            let codes = ServedErrors.codes(of: node, documents, Self.file)
            let isOpen = node["security"] == .list([])
            for code in ["invalidRequest", "tooManyRequests", "unavailable", "deadlineExceeded"] {
                #expect(codes.contains(code), "\(name) lacks \(code)")
            }
            #expect(codes.contains("unauthenticated") == !isOpen, "\(name)")
            #expect(node["requestBody"] == nil || codes.contains("payloadTooLarge"), "\(name)")
            for code in node["x-errors"]?.items.compactMap(\.text) ?? [] {
                #expect(codes.contains(code), "\(name) lacks \(code)")
            }
        }
        let schema = Tree.object(["$ref": .string("#/components/schemas/Problem")])
        for entry in registry {
            let name = try #require(entry["name"]?.text)
            let example = try #require(
                documents.files[Self.file]?.value(at: "components.examples.\(name).value"), "\(name)")
            #expect(example["status"] == entry["status"] && example["code"] == entry["name"])
            #expect(check.faults(example, schema, in: Self.file, at: name).isEmpty)
        }
    }

    /// Postgres cannot keep that character, so it is refused; who makes a client of the document is to know before.
    @Test("Every text says that it holds no U+0000, and one that does is refused")
    func texts() async throws {
        let (documents, operations) = try await served()
        let document = try #require(documents.files[Self.file])
        let kinds = ["pattern", "enum", "const", "format"]
        func silent(_ tree: Tree, _ path: String) -> [String] {
            let here = tree["type"]?.text == "string" && kinds.allSatisfy { tree[$0] == nil } ? [path] : []
            return here
                + tree.members.filter { $0.key != "example" && $0.key != "examples" }
                .flatMap { silent($0.value, "\(path).\($0.key)") }
                + tree.items.enumerated().flatMap { silent($0.element, "\(path).\($0.offset)") }
        }
        #expect(silent(try #require(document.value(at: "components.schemas")), "schemas").isEmpty)
        for (name, node) in operations {
            let queries = (node["parameters"]?.items ?? []).filter { $0["in"]?.text != "header" }
            #expect(silent(.list(queries), name).isEmpty)
        }
        let review = try #require(document.value(at: "components.schemas.Review.pattern")?.text)
        for (text, fits) in [("a\u{0}b", false), ("\u{0}", false), ("a\u{1}b\n", true), ("", true)] {
            #expect((text.range(of: review, options: .regularExpression) != nil) == fits)
        }
        let person = try await #require(Stack.current).people.next(asAdministrator: false)
        let port = try #require(Stack.current).service("gateway").port
        for (verb, path, body) in [
            ("GET", "/search?query=a%00b", ""),
            ("POST", "/lists", #"{"name":"a\u0000b"}"#),
        ] {
            let answer = try await Wire.send(
                verb, "http://127.0.0.1:\(port)/api/v1\(path)",
                headers: ["authorization": "Bearer \(person.token)", "content-type": "application/json"],
                bytes: Array(body.utf8))
            #expect(answer.status == 400, "\(path): \(answer.text)")
        }
    }

    @Test("What a stream sends is described as it is sent")
    func streams() async throws {
        let (_, operations) = try await served()
        let stream = try #require(operations.first { $0.name == "get /api/v1/events" }?.node)
        let event = try #require(
            stream["responses"]?["200"]?["content"]?.members["text/event-stream"]?["schema"]?["properties"])
        #expect(Set(event.members.keys) == ["id", "event", "data"])
        #expect(
            event["data"]?["contentSchema"]?["anyOf"]?.items.first?["$ref"]?.text == "#/components/schemas/Event")
    }

    @Test("The document has no member without a value: such a one is a slip of the pen")
    func slips() async throws {
        let (documents, _) = try await served()
        func slips(_ tree: Tree, _ path: String) -> [String] {
            switch tree {
            case .null: [path]
            case .list(let items): items.enumerated().flatMap { slips($0.element, "\(path).\($0.offset)") }
            case .object(let members): members.flatMap { slips($0.value, "\(path).\($0.key)") }
            default: []
            }
        }
        #expect(slips(try #require(documents.files[Self.file]), "").isEmpty)
    }
}

/// The errors that a document says an operation gives.
enum ServedErrors {
    static func codes(of operation: Tree, _ documents: ContractDocuments, _ file: String) -> Set<String> {
        var codes: Set<String> = []
        for (status, given) in operation["responses"]?.members ?? [:] where status != "default" {
            let answer = given["$ref"]?.text.map { documents.resolve($0, from: file).schema } ?? given
            codes.formUnion(
                answer["content"]?.members["application/problem+json"]?["examples"]?.members.keys.map(\.self) ?? [])
        }
        return codes
    }
}
