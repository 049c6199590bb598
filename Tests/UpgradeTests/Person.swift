import Foundation
import Stack
import Testing

/// Calls a gateway as a person.
struct Person {
    let base: String
    var token = ""

    @discardableResult
    func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> (status: Int, text: String) {
        var headers = ["content-type": "application/json"]
        if !token.isEmpty { headers["authorization"] = "Bearer \(token)" }
        let answer = try await Wire.send(method, base + path, headers: headers, body: body)
        return (answer.status, answer.text)
    }

    func made(_ method: String, _ path: String, _ body: String, _ member: String = "id") async throws -> String {
        let answer = try await send(method, path, body)
        let json = try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [String: Any]
        return try #require(json?[member] as? String, "\(method) \(path): \(answer.text)")
    }

    /// Reads a resource; any status but 200 is recorded as an issue.
    func read(_ path: String) async throws -> Node {
        let answer = try await send("GET", path)
        #expect(answer.status == 200, "\(path): \(answer.text)")
        return Node(value: try JSONSerialization.jsonObject(with: Data(answer.text.utf8)))
    }
}

/// A node of a JSON answer; children of a missing node are missing too.
struct Node {
    let value: Any?

    subscript(name: String) -> Node { Node(value: (value as? [String: Any])?[name]) }
    /// Its elements, or none if it is not an array.
    var list: [Node] { (value as? [Any] ?? []).map { Node(value: $0) } }
    var text: String? { value as? String }
    var number: Double? { value as? Double }
    var flag: Bool? { value as? Bool }
}
