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

/// Conditional writes at two copies of the gateway.
@Suite(.stack(.twoGateways), .serialized)
struct ConditionTests {
    /// One person's client at each gateway.
    private func person(_ name: String) async throws -> [PublicClient] {
        let ports = try #require(Stack.current?.copies["gateway"]).map(\.port)
        let first = try await PublicClient(ports[0]).registered(name)
        return ports.map { PublicClient($0, token: first.token) }
    }

    private static func tag(_ client: PublicClient, _ path: String) async throws -> String {
        let answer = try await client.send("GET", path)
        return try #require(answer.answer.headers["etag"], "\(answer.answer.text)")
    }

    /// Creating something changes the collection's tag, so a retry was once refused because of its own effect.
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
        // A request that is not a retry is checked against the current tag.
        for (text, key) in [(other, "one"), (body, "two")] {
            let answer = try await clients[1].send(
                "POST", path, text, headers: ["if-match": tag, "idempotency-key": key])
            #expect(answer.status == 412 && answer.json["code"] as? String == "preconditionFailed")
        }
    }

    /// All of them once checked the tag before any of them wrote, so all of them wrote.
    @Test(
        "Of twenty who change what they all have seen one does, at two gateways",
        arguments: ["/lists", "/hooks", "/playback/settings"])
    func changes(_ path: String) async throws {
        let clients = try await person("change-" + path.split(separator: "/").joined(separator: "-"))
        var place = path
        if path != "/playback/settings" {
            let made = try await clients[0].send("POST", path, #"{"name":"Lighthouses"}"#).json
            let id = try #require((made["id"] ?? (made["hook"] as? [String: Any])?["id"]) as? String, "\(made)")
            place += "/" + id
        }
        let (method, name) = path == "/playback/settings" ? ("PUT", "play_threshold_percent") : ("PATCH", "name")
        for round in 0..<5 {
            let tag = try await Self.tag(clients[0], place)
            let address = place
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    let value = 10 + 20 * (round % 2) + number
                    let body = method == "PUT" ? #"{"\#(name)":\#(value)}"# : #"{"\#(name)":"N\#(value)"}"#
                    group.addTask {
                        try await clients[number % 2].send(method, address, body, headers: ["if-match": tag]).status
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [200: 1, 412: 19], "\(path), round \(round)")
        }
        // The answer to a change carries the current tag, which the next change may name.
        let value = method == "PUT" ? "77" : #""Mills""#
        let changed = try await clients[1].send(method, place, "{\"\(name)\":\(value)}")
        let tag = try #require(changed.answer.headers["etag"])
        #expect(try await Self.tag(clients[0], place) == tag)
        let missing = method == "PUT" ? place : path + "/01920000-0000-7000-8000-00000000dead"
        for (address, field, status) in [
            (place, ["if-none-match": "*"], 412), (missing, ["if-match": "\"x\""], 412),
        ] {
            #expect(
                try await clients[0].send(method, address, "{\"\(name)\":\(value)}", headers: field).status == status)
        }
    }
}
