import Foundation
import Stack

/// Sends requests to a gateway as a frontend does.
struct PublicClient: Sendable {
    typealias Answer = (status: Int, json: [String: Any], answer: Wire.Answer)

    let base: String
    var token: String?

    init(_ port: Int, token: String? = nil) {
        base = "http://127.0.0.1:\(port)/api/v1"
        self.token = token
    }

    func send(
        _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        var fields = headers
        if let token { fields["authorization"] = "Bearer \(token)" }
        if body != nil { fields["content-type"] = fields["content-type"] ?? "application/json" }
        return Self.read(try await Wire.send(method, base + path, headers: fields, body: body))
    }

    /// Uploads a file as is.
    func upload(_ path: String, _ bytes: [UInt8], type: String) async throws -> Answer {
        let fields = ["authorization": "Bearer \(token ?? "")", "content-type": type]
        return Self.read(try await Wire.send("POST", base + path, headers: fields, bytes: bytes))
    }

    private static func read(_ answer: Wire.Answer) -> Answer {
        let json = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any] ?? [:]
        return (answer.status, json, answer)
    }

    /// Returns the same client for a newly registered person.
    func registered(_ name: String, _ password: String = "a long and odd phrase") async throws -> PublicClient {
        let answer = try await send("POST", "/auth/register", #"{"username":"\#(name)","password":"\#(password)"}"#)
        guard let token = answer.json["token"] as? String else { throw StackError("\(name): \(answer.answer.text)") }
        var client = self
        client.token = token
        return client
    }

    /// Returns the same client with another session of the person.
    func loggedIn(_ name: String, _ password: String = "a long and odd phrase") async throws -> PublicClient {
        let answer = try await send("POST", "/auth/login", #"{"username":"\#(name)","password":"\#(password)"}"#)
        guard let token = answer.json["token"] as? String else { throw StackError("\(name): \(answer.answer.text)") }
        var client = self
        client.token = token
        return client
    }
}
