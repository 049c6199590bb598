import Cryptography
import Foundation
import Stack
import Testing

extension StackPlan {
    /// Two gateways on one database: one with open registration and one that is closed.
    static let openAndClosed: StackPlan = {
        var plan = StackPlan()
        plan.copies["gateway"] = 2
        plan.settingsOfCopy["gateway"] = [
            0: ["REELAY_REGISTRATION": "open"], 1: ["REELAY_REGISTRATION": "first"],
        ]
        return plan
    }()
}

/// Checks every operation of the public API against its document, over HTTP.
@Suite(.stack(.openAndClosed), .serialized)
struct PublicContractTests {
    static let documents = ContractTests.documents
    static let document = PublicDocument(documents)
    static let operations = document.operations.filter { !$0.isDocument }
    static let guarded = operations.filter { !$0.isOpen }

    private var check: SchemaCheck { SchemaCheck(documents: Self.documents) }
    private var problemSchema: Tree {
        get throws { try #require(Self.documents.files[PublicDocument.file]?.value(at: "components.schemas.Problem")) }
    }

    /// Sends `request` with its literals replaced by the values in `names`.
    func send(
        _ request: PublicDocument.Request, _ names: [String: String], token: String?, key: String? = nil,
        change: (inout Tree) -> Void = { _ in }
    ) async throws -> (operation: PublicDocument.Operation, answer: Wire.Answer) {
        let operation = try #require(
            Self.document.operations.first { $0.id == request.operation }, "no operation \(request.operation)")
        var path = operation.path
        for (name, value) in request.path.renaming(names).members {
            path = path.replacingOccurrences(of: "{\(name)}", with: try escaped(value))
        }
        let query = try request.query.renaming(names).members.sorted { $0.key < $1.key }.map {
            "\($0.key)=\(try escaped($0.value))"
        }
        if !query.isEmpty { path += "?" + query.joined(separator: "&") }
        var headers = request.headers.renaming(names).members.compactMapValues(\.text)
        if let token = request.bearer.map({ names[$0] ?? $0 }) ?? token { headers["authorization"] = "Bearer \(token)" }
        if let key { headers["idempotency-key"] = key }
        var body = request.body?.renaming(names)
        if operation.body != nil {
            headers["content-type"] = "application/json"
            var changed = body ?? .object([:])
            change(&changed)
            body = changed
        }
        var sent = try body?.json
        if let upload = request.upload {
            headers["content-type"] = "text/csv"
            sent = upload.replacingOccurrences(of: "a-word-of-its-own", with: UUID().uuidString)
        }
        let copies = try #require(Stack.current?.copies["gateway"])
        let port = copies[request.isAtClosedGateway ? 1 : 0].port
        let answer = try await Wire.send(
            operation.method, "http://127.0.0.1:\(port)\(path)", headers: headers, body: sent)
        let node = try #require(Self.generated.operations[operation.id], "\(operation.id) is not in the document")
        let undeclared = ServedDocument.undeclared(in: answer, to: node, Self.generated.documents, Self.generatedFile)
        #expect(undeclared.isEmpty, "\(operation.id) sends \(answer.status) with \(undeclared)")
        return (operation, answer)
    }

    private func escaped(_ value: Tree) throws -> String {
        let text = try value.text ?? value.json
        return text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }

    /// The errors that the generated document lists for an operation.
    private static func documented(_ operation: String) throws -> Set<String> {
        let node = try #require(generated.operations[operation], "\(operation) is not in the document")
        return ServedDocument.codes(of: node, generated.documents, generatedFile)
    }

    private static let generatedFile = "served"
    private static let generated: (documents: ContractDocuments, operations: [String: Tree]) = {
        let source = Project.root.appendingPathComponent("Shared/Contracts/Generated/PublicDocument.swift")
        guard let text = try? String(contentsOf: source, encoding: .utf8),
            let start = text.range(of: "##\"\"\"\n"), let end = text.range(of: "\"\"\"##"),
            let document = try? Tree(json: Data(text[start.upperBound..<end.lowerBound].utf8))
        else { preconditionFailure("\(source.path) holds no document") }
        var operations: [String: Tree] = [:]
        for item in (document["paths"]?.members ?? [:]).values {
            for node in item.members.values {
                if let id = node["operationId"]?.text { operations[id] = node }
            }
        }
        return (ContractDocuments(files: [generatedFile: document]), operations)
    }()

    typealias Person = (token: String, names: [String: String])

    /// Registers a person; `a-person` also stands for their name.
    func join(asAdministrator: Bool = false) async throws -> Person {
        let person = try await #require(Stack.current).people.next(asAdministrator: asAdministrator)
        return (person.token, ["a-person": person.name, "nobody-yet": "n" + person.name])
    }

    /// Sends the requests that must precede `request`, and returns the values of its literals.
    func prepare(
        _ request: PublicDocument.Request, _ person: Person
    ) async throws -> [String: String] {
        var names = person.names
        for step in request.given {
            let answer: Wire.Answer
            let result: Tree?
            if let method = step.method {
                let service = try #require(Stack.current).service(String(method.prefix { $0 != "." }))
                answer = try await Wire.call(service, method, params: try step.params.renaming(names).json)
                result = try Tree(json: answer.body)["result"]
            } else {
                let operation: PublicDocument.Operation
                (operation, answer) = try await send(step, names, token: person.token)
                #expect(operation.answers[answer.status] != nil, "\(step.operation): \(answer.text)")
                result = step.becomes.isEmpty ? nil : try Tree(json: answer.body)
            }
            for (path, literal) in step.becomes {
                names[literal] = try #require(result?.value(at: path)?.text, "\(answer.text)")
            }
            // The code that an app shows for the new secret; in the document it is always the same.
            if let totp = (result?["secret"]?.text).flatMap(Base32.decode).flatMap({ TOTP($0) }) {
                names["123456"] = totp.code(at: TOTP.step(atUnixSeconds: Int64(Date().timeIntervalSince1970)))
            }
        }
        return names
    }

    @Test("An operation's example gets an answer that fits its schema and shows nothing else", arguments: operations)
    func example(operation: PublicDocument.Operation) async throws {
        let example = try #require(operation.example, "\(operation.id) has no x-example")
        let person = try await join(asAdministrator: operation.isForAdministrators)
        let names = try await prepare(example, person)
        let answer = try await send(example, names, token: operation.isOpen ? nil : person.token).answer
        let schema = try #require(operation.answers[answer.status], "\(operation.id): \(answer.status) \(answer.text)")
        if operation.isStream {
            #expect(answer.headers["content-type"] == "text/event-stream", "\(operation.id)")
            return
        }
        guard schema != .null else {
            #expect(answer.body.isEmpty != operation.isFile, "\(operation.id): \(answer.text)")
            return
        }
        #expect(answer.headers["content-type"] == "application/json", "\(operation.id)")
        let faults = check.faults(try Tree(json: answer.body), schema, in: PublicDocument.file, at: "body")
        #expect(faults.isEmpty, "\(operation.id): \(answer.text)")
    }

    @Test("Every documented error of an operation can be provoked", arguments: operations)
    func errors(operation: PublicDocument.Operation) async throws {
        #expect(
            Set(operation.errors) == Set(operation.provocations.map(\.error)),
            "\(operation.id) documents other errors than it provokes")
        for (error, request) in operation.provocations {
            let person = try await join(asAdministrator: operation.isForAdministrators)
            let names = try await prepare(request, person)
            let answer = try await send(request, names, token: operation.isOpen ? nil : person.token).answer
            try expect(answer, isProblem: error, of: operation)
        }
    }

    @Test("Without a token, and with a worthless one, nobody gets in", arguments: guarded)
    func unauthenticated(operation: PublicDocument.Operation) async throws {
        let example = try #require(operation.example)
        for token in [nil, "reelay_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "nonsense"] {
            let answer = try await send(example, [:], token: token).answer
            try expect(answer, isProblem: "unauthenticated", of: operation)
            #expect(answer.headers["www-authenticate"]?.hasPrefix("Bearer") == true, "\(operation.id)")
        }
    }

    @Test(
        "A member that nobody documented is refused by name",
        arguments: operations.filter { $0.body != nil && !$0.isBodyRaw })
    func unknownMember(operation: PublicDocument.Operation) async throws {
        let example = try #require(operation.example)
        let person = try await join(asAdministrator: operation.isForAdministrators)
        let names = try await prepare(example, person)
        let answer = try await send(example, names, token: operation.isOpen ? nil : person.token) { body in
            body = .object(body.members.merging(["x_later": .bool(true)]) { _, new in new })
        }.answer
        try expect(answer, isProblem: "invalidRequest", of: operation)
        #expect(try Tree(json: answer.body)["detail"]?.text?.contains("x_later") == true, "\(answer.text)")
    }

    @Test("A place in the address that is no id is refused", arguments: operations.filter { $0.path.contains("{") })
    func badAddress(operation: PublicDocument.Operation) async throws {
        let example = try #require(operation.example)
        let person = try await join(asAdministrator: operation.isForAdministrators)
        let broken = example.path.members.mapValues { _ in "not-an-id" }
        let literals = Dictionary(
            example.path.members.compactMap { name, value in value.text.map { ($0, broken[name] ?? "") } }
        ) { first, _ in first }
        let answer = try await send(example, literals, token: operation.isOpen ? nil : person.token).answer
        try expect(answer, isProblem: "invalidRequest", of: operation)
    }

    func expect(
        _ answer: Wire.Answer, isProblem error: String, of operation: PublicDocument.Operation
    ) throws {
        let entry = try #require(
            Self.documents.files["errors.yaml"]?["errors"]?.items.first { $0["name"]?.text == error })
        #expect(Double(answer.status) == entry["status"]?.number, "\(operation.id), \(error): \(answer.text)")
        #expect(answer.headers["content-type"] == "application/problem+json", "\(operation.id), \(error)")
        let problem = try Tree(json: answer.body)
        #expect(try Self.documented(operation.id).contains(error), "\(operation.id) does not document \(error)")
        #expect(problem["code"]?.text == error, "\(operation.id): \(answer.text)")
        let faults = check.faults(problem, try problemSchema, in: PublicDocument.file, at: "problem")
        #expect(faults.isEmpty, "\(operation.id), \(error): \(answer.text)")
    }
}
