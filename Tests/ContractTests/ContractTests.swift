import Foundation
import Stack
import Testing

/// Checks every method of every running service against its document.
@Suite(.stack, .serialized)
struct ContractTests {
    static let documents: ContractDocuments = {
        do {
            return try ContractDocuments(folder: Project.root.appendingPathComponent("proto"))
        } catch {
            preconditionFailure("proto/ cannot be read: \(error)")
        }
    }()
    static let services = ["metadata", "ratings", "scrobble", "gateway"]
    /// The services that others call; the gateway's callers are frontends (`PublicContractTests`).
    static let called = services.filter { !documents.methods(of: $0).isEmpty }
    static let methods = services.flatMap { documents.methods(of: $0) }

    var documents: ContractDocuments { Self.documents }

    private func stack() throws -> Stack { try #require(Stack.current) }

    /// Makes one call and returns the whole JSON-RPC response.
    private func call(_ method: String, _ params: Tree, headers: [String: String] = [:]) async throws -> Tree {
        let service = try stack().service(String(method.prefix { $0 != "." }))
        let answer = try await Wire.call(service, method, params: try params.json, headers: headers)
        #expect(answer.status == 200, "\(method): \(answer.text)")
        return try Tree(json: answer.body)
    }

    /// Runs the steps that must come first; returns the values that the document's literals stand for.
    private func run(
        _ steps: [ContractDocuments.Step], knowing known: [String: String] = [:]
    ) async throws -> [String: String] {
        var names = known
        for step in steps {
            let answer = try await call(step.method, step.params.renaming(names), headers: step.headers)
            let result = try #require(answer["result"], "\(step.method): \(answer)")
            for (path, literal) in step.becomes { names[literal] = try #require(result.value(at: path)?.text) }
        }
        return names
    }

    @Test("An example's result is what the service answers", arguments: methods)
    func examples(method: ContractDocuments.Method) async throws {
        #expect(!method.examples.isEmpty, "\(method.name) has no example")
        for example in method.examples {
            let names = try await run(example.given)
            let answer = try await call(method.name, example.params.renaming(names))
            #expect(answer["error"] == nil, "\(method.name), \(example.name): \(answer)")
            let result = try #require(answer["result"])
            let faults = SchemaCheck(documents: documents).faults(
                result, method.resultSchema, in: method.file, at: "result")
            #expect(faults.isEmpty, "\(method.name), \(example.name)")
            let differences = ExampleDifference.between(example.result.renaming(names), result, at: "result")
            #expect(differences.isEmpty, "\(method.name), \(example.name)")
        }
    }

    @Test("Every documented error can be provoked", arguments: methods)
    func errors(method: ContractDocuments.Method) async throws {
        #expect(
            Set(method.errors) == Set(method.provocations.map(\.error)),
            "\(method.name) documents other errors than it provokes")
        for provocation in method.provocations {
            let names = try await run(provocation.given)
            let answer = try await call(
                method.name, provocation.params.renaming(names), headers: provocation.headers)
            #expect(
                answer["error"]?["code"]?.number == documents.code(of: provocation.error), "\(method.name): \(answer)")
            #expect(answer["result"] == nil)
        }
    }

    @Test("A missing or misplaced parameter is named", arguments: methods)
    func parameters(method: ContractDocuments.Method) async throws {
        let example = try #require(method.examples.first)
        for param in method.params where param.isRequired {
            var members = example.params.members
            members[param.name] = nil
            let answer = try await call(method.name, .object(members))
            #expect(answer["error"]?["code"]?.number == -32602, "\(answer)")
            #expect(answer["error"]?["message"]?.text?.contains("params.\(param.name)") == true, "\(answer)")
        }
        for param in method.params {
            var members = example.params.members
            members[param.name] = .list([.list([])])
            let answer = try await call(method.name, .object(members))
            #expect(answer["error"]?["code"]?.number == -32602, "\(answer)")
            #expect(answer["error"]?["message"]?.text?.hasPrefix("params.\(param.name)") == true, "\(answer)")
        }
        let positional = try await call(method.name, .list([]))
        #expect(positional["error"]?["code"]?.number == -32602)
    }

    @Test("A parameter that nobody documented is ignored between services", arguments: methods)
    func unknownParameter(method: ContractDocuments.Method) async throws {
        let example = try #require(method.examples.first)
        // The example has already run, and what it left could get in the way, so another person runs it here.
        let person = example.params["user"]?.text.map { [$0: UUID().uuidString.lowercased()] }
        let names = try await run(example.given, knowing: person ?? [:])
        var members = example.params.renaming(names).members
        members["x_later_version"] = .object(["any": .list([.null])])
        let answer = try await call(method.name, .object(members))
        #expect(answer["result"] != nil, "\(answer)")
    }

    @Test("rpc.discover answers with the committed document", arguments: services)
    func discover(service: String) async throws {
        let answer = try await Wire.call(try stack().service(service), "rpc.discover", params: "{}")
        #expect(!answer.text.contains(".yaml#"), "a reference leads out of the document")
        let document = try #require(try Tree(json: answer.body)["result"])
        #expect(document["openrpc"]?.text?.hasPrefix("1.3.") == true)
        #expect(document["info"] == documents.files["\(service).openrpc.yaml"]?["info"])
        let served = document["methods"]?.items ?? []
        let written = documents.files["\(service).openrpc.yaml"]?["methods"]?.items ?? []
        #expect(served.map { $0["name"] } == written.map { $0["name"] })
        for (one, other) in zip(served, written) {
            #expect(one["params"]?.items.map { $0["name"] } == other["params"]?.items.map { $0["name"] })
            #expect(one["summary"] == other["summary"])
        }
    }

    @Test("health.check tells of each dependency", arguments: services)
    func health(service: String) async throws {
        let answer = try await Wire.call(try stack().service(service), "health.check", params: "{}")
        let result = try #require(try Tree(json: answer.body)["result"])
        #expect(result["status"]?.text == "serving", "\(answer.text)")
        #expect(result["checks"]?.items.contains { $0["name"]?.text == "postgres" } == true, "\(answer.text)")
    }

    @Test("Without the service secret nothing answers", arguments: services)
    func secret(service: String) async throws {
        for method in ["rpc.discover", "health.check"] + Self.documents.methods(of: service).prefix(1).map(\.name) {
            let answer = try await Wire.call(
                try stack().service(service), method, params: "{}", secret: "wrong-secret-wrong-secret")
            let code = (try? Tree(json: answer.body))?["error"]?["code"]?.number
            #expect(answer.status == 401 || code == documents.code(of: "unauthenticated"), "\(answer.text)")
        }
    }

    @Test("A call that waits for the database ends at its deadline", arguments: called)
    func deadline(service: String) async throws {
        let tables = ["metadata": "titles", "ratings": "user_ratings", "scrobble": "plays"]
        let reads = [
            "metadata": ("metadata.getTitle", #"{"title":"01920000-0000-7000-8000-00000000dead"}"#),
            "ratings": (
                "ratings.getRating",
                #"{"user":"01920000-0000-7000-8000-00000000a11c","title":"01920000-0000-7000-8000-00000000dead"}"#
            ),
            "scrobble": ("scrobble.listHistory", #"{"user":"01920000-0000-7000-8000-00000000a11c"}"#),
        ]
        let table = try #require(tables[service])
        let (method, params) = try #require(reads[service])
        let database = try stack().database
        async let held = database.query(
            "BEGIN; LOCK TABLE \(service).\(table) IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT")
        while try await database.query(
            "SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname = '\(table)' AND l.mode = 'AccessExclusiveLock' AND l.granted"
        ).isEmpty {}
        let begun = ContinuousClock.now
        let answer = try await Wire.call(
            try stack().service(service), method, params: params, headers: ["rpc-timeout-ms": "300"])
        #expect(
            try Tree(json: answer.body)["error"]?["code"]?.number == documents.code(of: "deadlineExceeded"),
            "\(answer.text)")
        #expect(ContinuousClock.now - begun < .milliseconds(1_200))
        // The lookup that scrobble makes periodically belongs to no call.
        let waiting = try await database.query(
            "SELECT query FROM pg_stat_activity WHERE usename = 'reelay_\(service)' AND wait_event_type = 'Lock' AND datname = current_database() AND query NOT LIKE 'SELECT DISTINCT p.title_id FROM plays%'"
        )
        #expect(waiting.isEmpty, "the statement still waits")
        _ = try await held
    }

    @Test("Without its database a service says unavailable, and recovers by itself", arguments: called)
    func unavailable(service: String) async throws {
        let database = try stack().database
        let method = try #require(
            documents.methods(of: service).first { $0.name.contains(".get") || $0.name.contains(".list") })
        let params = try #require(method.examples.first).params
        // Only this database: roles belong to the whole server, which other suites may be using.
        _ = try await database.query("ALTER DATABASE \(database.name) CONNECTION LIMIT 0")
        let ended =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            + "WHERE usename = 'reelay_\(service)' AND datname = current_database()"
        while try await !database.query(ended).isEmpty {}
        let refused = try await call(method.name, params, headers: ["rpc-timeout-ms": "3000"])
        _ = try await database.query("ALTER DATABASE \(database.name) CONNECTION LIMIT -1")
        let codes = ["unavailable", "deadlineExceeded"].map { documents.code(of: $0) }
        #expect(codes.contains(refused["error"]?["code"]?.number), "\(refused)")
        let patience = ContinuousClock.now.advanced(by: .seconds(20))
        var code = refused["error"]?["code"]?.number
        while codes.contains(code), ContinuousClock.now < patience {
            code = try await call(method.name, params)["error"]?["code"]?.number
        }
        #expect(!codes.contains(code), "the service did not come back")
    }
}
