import Foundation
import Stack
import Testing

extension StackPlan {
    /// A gateway that limits requests, at more than the tests make.
    static let counting: StackPlan = {
        var plan = StackPlan()
        plan.settingsOf["gateway"] = [
            "REELAY_PERSON_REQUESTS": "100000", "REELAY_KEY_REQUESTS": "100000", "REELAY_ADDRESS_REQUESTS": "100000",
        ]
        return plan
    }()
}

/// The OpenAPI document as served by the gateway: complete and true.
@Suite(.stack(.counting))
struct ServedDocumentTests {
    private static let verbs = ["get", "put", "post", "delete", "patch"]
    private static let file = "served"

    /// The document and its operations.
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

    @Test("Every operation says what it does and who may do it")
    func complete() async throws {
        let (documents, operations) = try await served()
        let schemes = documents.files[Self.file]?.value(at: "components.securitySchemes")?.members ?? [:]
        for (name, node) in operations {
            for member in ["operationId", "summary", "description"] {
                #expect(node[member]?.text?.isEmpty == false, "\(name) has no \(member)")
            }
            #expect(node["security"] != nil && node["tags"]?.items.count == 1, "\(name)")
            let named = (node["security"]?.items ?? []).flatMap { $0.members.keys }
            #expect(named.allSatisfy { schemes[$0] != nil }, "\(name): \(named)")
            // A token of its own is said in words too, and keeps nobody out who has no account.
            let isOwn = node["description"]?.text?.contains("a token of the scheme `hook`") == true
            #expect(isOwn == (node["operationId"]?.text == "deliverHook"), "\(name)")
            #expect(isOwn == (named == ["hook"]), "\(name)")
        }
    }

    @Test("Every POST and PATCH either takes an Idempotency-Key or says that it can be sent again without one")
    func repeating() async throws {
        let (documents, operations) = try await served()
        for (name, node) in operations {
            let takesKey = (node["parameters"]?.items ?? []).contains {
                $0["$ref"]?.text == "#/components/parameters/IdempotencyKey"
            }
            let isToSay = name.hasPrefix("post ") || name.hasPrefix("patch ")
            let text = node["description"]?.text ?? ""
            #expect(text.contains("With an `Idempotency-Key` it takes effect once") == takesKey, "\(name)")
            #expect(
                text.contains("it can be sent again without an `Idempotency-Key`") == (isToSay && !takesKey), "\(name)")
        }
        let general = documents.files[Self.file]?.value(at: "info.description")?.text ?? ""
        #expect(general.contains("PUT and DELETE can be sent again"))
    }

    @Test("Every form of every request and every answer, JSON or not, has a schema and an example that fits it")
    func examples() async throws {
        let (documents, operations) = try await served()
        let check = SchemaCheck(documents: documents)
        for (name, node) in operations {
            var contents: [(String, Tree)] = []
            if let body = node["requestBody"]?["content"] { contents.append(("request", body)) }
            for (status, given) in node["responses"]?.members ?? [:] {
                let answer = ServedDocument.resolved(given, documents, Self.file)
                if let content = answer["content"] { contents.append((status, content)) }
            }
            for (place, content) in contents {
                for (type, media) in content.members {
                    let schema = try #require(media["schema"], "\(name), \(place): \(type) has no schema")
                    var examples = [media["example"]].compactMap(\.self)
                    for given in (media["examples"]?.members ?? [:]).values {
                        examples += [ServedDocument.resolved(given, documents, Self.file)["value"]].compactMap(\.self)
                    }
                    #expect(!examples.isEmpty, "\(name), \(place): \(type) has no example")
                    for example in examples {
                        let faults = check.faults(example, schema, in: Self.file, at: place)
                        #expect(faults.isEmpty, "\(name), \(type): \(faults)")
                    }
                }
            }
        }
    }

    @Test("Every parameter, header field, answer and schema says what it means")
    func descriptions() async throws {
        let (documents, operations) = try await served()
        let document = try #require(documents.files[Self.file])
        func silent(_ nodes: [(name: String, node: Tree)], in place: String) -> [String] {
            nodes.filter { $0.node["$ref"] == nil && ($0.node["description"]?.text ?? "").isEmpty }
                .map { "\(place).\($0.name)" }
        }
        func parameters(_ node: Tree?) -> [(name: String, node: Tree)] {
            (node?["parameters"]?.items ?? []).map { ($0["name"]?.text ?? "", $0) }
        }
        func members(_ node: Tree?) -> [(name: String, node: Tree)] {
            (node?.members ?? [:]).map { ($0.key, $0.value) }
        }
        for kind in ["schemas", "parameters", "headers", "responses", "securitySchemes"] {
            let named = members(document.value(at: "components")?[kind])
            #expect(!named.isEmpty, "there are no \(kind)")
            #expect(silent(named, in: kind) == [])
        }
        for (path, item) in document["paths"]?.members ?? [:] { #expect(silent(parameters(item), in: path) == []) }
        for (name, node) in operations {
            #expect(silent(parameters(node), in: name) == [])
            let answers = members(node["responses"])
            #expect(silent(answers, in: name) == [])
            for (status, answer) in answers {
                #expect(silent(members(answer["headers"]), in: "\(name) \(status)") == [])
            }
        }
    }

    @Test("Every header field that is sent is declared, and a page elsewhere may read what it needs of them")
    func headers() async throws {
        let (documents, operations) = try await served()
        let everywhere: Set = ["x-request-id", "ratelimit", "ratelimit-policy"]
        for (name, node) in operations {
            for (status, answer) in node["responses"]?.members ?? [:] {
                let declared = ServedDocument.headers(of: ServedDocument.resolved(answer, documents, Self.file))
                #expect(declared.isSuperset(of: everywhere), "\(name), \(status): \(declared)")
            }
        }
        let stack = try #require(Stack.current)
        let person = try await stack.people.next(asAdministrator: false)
        let port = try stack.service("gateway").port
        /// Sends a request and checks the answer against the document.
        func ask(
            _ operation: String, status: Int, has names: Set<String> = [], withToken: Bool = true,
            headers more: [String: String] = [:], body: String? = nil
        ) async throws -> Wire.Answer {
            let node = try #require(operations.first { $0.name == operation }?.node)
            let parts = operation.split(separator: " ").map(String.init)
            var headers = more.merging(["origin": "https://app.example"]) { given, _ in given }
            if withToken { headers["authorization"] = "Bearer \(person.token)" }
            if body != nil { headers["content-type"] = "application/json" }
            let path = parts[1].replacingOccurrences(of: "{list}", with: "01920000-0000-7000-8000-00000000dead")
            let query = parts[1].hasPrefix("/api/v1/exports/") ? "?list=diary" : ""
            let answer = try await Wire.send(
                parts[0].uppercased(), "http://127.0.0.1:\(port)\(path)\(query)", headers: headers, body: body)
            #expect(answer.status == status, "\(operation): \(answer.text)")
            #expect(Set(answer.headers.keys).isSuperset(of: names.union(everywhere)), "\(operation): \(answer.headers)")
            #expect(ServedDocument.undeclared(in: answer, to: node, documents, Self.file) == [], "\(operation)")
            return answer
        }
        let me = try await ask("get /api/v1/users/me", status: 200, has: ["etag"])
        let tag = try #require(me.headers["etag"])
        _ = try await ask("get /api/v1/users/me", status: 304, has: ["etag"], headers: ["if-none-match": tag])
        _ = try await ask(
            "patch /api/v1/users/me", status: 200, has: ["etag"], body: #"{"time_zone":"Europe/Berlin"}"#)
        _ = try await ask("get /api/v1/users/me", status: 401, has: ["www-authenticate"], withToken: false)
        _ = try await ask("get /api/v1/lists/{list}", status: 404)
        _ = try await ask("get /api/v1/exports/letterboxd", status: 200, has: ["content-disposition"])

        // Fields that tell clients how to authenticate and proxies what to do are not exposed to pages.
        let forOthers: Set = ["www-authenticate", "x-accel-buffering"]
        let readable = Set(
            (me.headers["access-control-expose-headers"] ?? "").lowercased().split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
            })
        var declared: Set<String> = []
        for (_, node) in operations {
            for answer in (node["responses"]?.members ?? [:]).values {
                declared.formUnion(ServedDocument.headers(of: ServedDocument.resolved(answer, documents, Self.file)))
            }
        }
        #expect(declared.subtracting(forOthers).subtracting(readable) == [])
    }

    @Test("Every operation lists the errors that anything can give, each with an example that is one")
    func errors() async throws {
        let (documents, operations) = try await served()
        let registry = ContractTests.documents.files["errors.yaml"]?["errors"]?.items ?? []
        let check = SchemaCheck(documents: documents)
        for (name, node) in operations {
            let codes = ServedDocument.codes(of: node, documents, Self.file)
            let isOpen = PublicDocument.Operation.isOpen(node)
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

    /// Postgres cannot store that character, so it is refused; authors of clients must learn that from the document.
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
        let (documents, operations) = try await served()
        let stream = try #require(operations.first { $0.name == "get /api/v1/events" }?.node)
        let media = try #require(stream["responses"]?["200"]?["content"]?.members["text/event-stream"])
        let event = try #require(media["schema"]?["properties"])
        #expect(Set(event.members.keys) == ["id", "event", "data"])
        #expect(
            event["data"]?["contentSchema"]?["anyOf"]?.items.first?["$ref"]?.text == "#/components/schemas/Event")
        let data = try Tree(json: Data(try #require(media["example"]?["data"]?.text).utf8))
        let faults = SchemaCheck(documents: documents).faults(
            data, .object(["$ref": .string("#/components/schemas/Event")]), in: Self.file, at: "data")
        #expect(faults.isEmpty, "\(faults)")
        #expect(media["example"]?["event"]?.text.flatMap { data[$0] } != nil)
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
