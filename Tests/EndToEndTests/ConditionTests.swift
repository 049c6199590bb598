import Foundation
import Stack
import Testing

extension StackPlan {
    fileprivate static let twoGateways: StackPlan = {
        var plan = StackPlan()
        plan.copies["gateway"] = 2
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        return plan
    }()
}

/// Conditions of writes, at two copies of the gateway.
@Suite(.stack(.twoGateways), .serialized)
struct ConditionTests {
    /// One person at both gateways.
    private func person(_ name: String) async throws -> [PublicClient] {
        let ports = try #require(Stack.current?.copies["gateway"]).map(\.port)
        let first = try await PublicClient(ports[0]).registered(name)
        return ports.map { PublicClient($0, token: first.token) }
    }

    private static func tag(_ client: PublicClient, _ path: String) async throws -> String {
        let answer = try await client.send("GET", path)
        return try #require(answer.answer.headers["etag"], "\(answer.answer.text)")
    }

    /// What is made changes the list of what there is: the same request again was refused because of what it had done.
    @Test(
        "What is made under a key and a condition is told again, at every gateway, and made once",
        arguments: [
            ("/lists", #"{"name":"Lighthouses"}"#, #"{"name":"Towers"}"#, "id"),
            (
                "/users/me/api-keys", #"{"name":"kodi","scopes":["read"]}"#, #"{"name":"plex","scopes":["read"]}"#,
                "token"
            ),
            ("/hooks", #"{"name":"Living room"}"#, #"{"name":"Attic"}"#, "secret"),
        ])
    func creations(_ path: String, _ body: String, _ other: String, _ mark: String) async throws {
        let clients = try await person("made-" + path.split(separator: "/").joined(separator: "-"))
        let tag = try await Self.tag(clients[0], path)
        let headers = ["if-match": tag, "idempotency-key": "one"]
        var marks: Set<String> = []
        for number in 0..<4 {
            let answer = try await clients[number % 2].send("POST", path, body, headers: headers)
            #expect(answer.status == 201, "\(answer.answer.text)")
            marks.insert(try #require(answer.json[mark] as? String, "\(answer.answer.text)"))
        }
        #expect(marks.count == 1)
        let list = try await clients[0].send("GET", path).json
        let items = list["items"] ?? list["hooks"] ?? list["lists"]
        #expect((items as? [Any])?.count == 1, "\(list)")
        // What was not asked for before meets what is there.
        for (text, key) in [(other, "one"), (body, "two")] {
            let answer = try await clients[1].send(
                "POST", path, text, headers: ["if-match": tag, "idempotency-key": key])
            #expect(answer.status == 412 && answer.json["code"] as? String == "preconditionFailed")
        }
    }
}
