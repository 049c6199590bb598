import Foundation
import HTTP2
import JSON
import Testing

@testable import RPC

/// Runs the table in `Conformance/jsonrpc.json` over real sockets.
@Suite struct ConformanceTests {
    @Test func everyCaseOfTheTable() async throws {
        let table = try Self.table()
        #expect(table.count >= 60)
        let server = try await TestService.listen(TestService.router)
        let connection = try await H2ClientConnection.connect(
            host: "127.0.0.1", port: server.boundPort, group: TestService.group)
        for entry in table {
            let expected = Expectation(entry)
            let response = try await connection.send(
                Self.request(entry), deadline: .now.advanced(by: .seconds(20)))
            #expect(expected.faults(in: response).isEmpty, "\(entry["name"].string ?? "?")")
        }
        connection.close()
        await server.shutdown(grace: .zero)
    }

    /// The comparison itself must detect a difference, or the table proves nothing.
    @Test func theComparisonSeesEachDifference() throws {
        let entry = try decodeJSON(
            JSONValue.self, from: Array(#"{"answers":[{"id":"1","result":"true"},{"id":"2","error":-32601}]}"#.utf8))
        var batch = entry.object ?? JSONObject()
        batch.members.append((name: "batch", value: true))
        let expected = Expectation(.object(batch))
        let good =
            #"[{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"m"}},{"jsonrpc":"2.0","id":1,"result":true}]"#
        #expect(expected.faults(in: Self.response(good)).isEmpty)
        for bad in [
            good.replacingOccurrences(of: "\"id\":1", with: "\"id\":1.0"),
            good.replacingOccurrences(of: "true", with: "false"),
            good.replacingOccurrences(of: "-32601", with: "-32600"),
            good.replacingOccurrences(of: "\"2.0\",\"id\":1", with: "\"1.0\",\"id\":1"),
            good.replacingOccurrences(of: ",{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}", with: ""),
            "", "[]", "{}",
        ] {
            #expect(!expected.faults(in: Self.response(bad)).isEmpty, "\(bad)")
        }
        #expect(!expected.faults(in: H2Response(status: 204)).isEmpty)
    }

    private static func response(_ text: String) -> H2Response {
        H2Response(status: 200, headers: [H2Header("content-type", "application/json")], body: Array(text.utf8))
    }

    private static func table() throws -> [JSONValue] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Conformance/jsonrpc.json")
        return try decodeJSON(JSONValue.self, from: [UInt8](Data(contentsOf: path)))["cases"].array
    }

    private static func request(_ entry: JSONValue) -> H2Request {
        var headers = [H2Header("content-type", "application/json")]
        if let given = entry["headers"].object {
            headers = given.members.map { H2Header($0.name, $0.value.string ?? "") }
        }
        let secret = entry["secret"].string ?? "new-secret"
        if !secret.isEmpty { headers.append(H2Header("authorization", "Bearer \(secret)")) }
        var body = Array((entry["body"].string ?? "").utf8)
        if let hex = entry["hex"].string { body = bytes(hex) }
        if !entry["parts"].array.isEmpty { body = joined(entry["parts"]) }
        return H2Request(
            method: entry["method"].string ?? "POST", path: entry["path"].string ?? "/rpc", authority: "test",
            headers: headers, body: body)
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8).map { $0 < 0x3a ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    static func joined(_ parts: JSONValue) -> [UInt8] {
        parts.array.flatMap { part -> [UInt8] in
            if let text = part.string { return Array(text.utf8) }
            let text = Array((part["text"].string ?? "").utf8)
            return Array(repeatElement(text, count: part["times"].int ?? 0).joined())
        }
    }
}

/// The response that a case of the table expects.
private struct Expectation {
    struct Answer: Hashable {
        var id: String
        var result: String?
        var code: Int?
        var message: String?
        var data: String?
    }

    let status: Int
    let isBatch: Bool
    let answerCount: Int?
    let answers: [Answer]

    init(_ entry: JSONValue) {
        status = entry["status"].int ?? 200
        isBatch = entry["batch"].bool ?? false
        answerCount = entry["answerCount"].int
        answers = entry["answers"].array.map { answer in
            Answer(
                id: Self.text(answer["id"], answer["idParts"]) ?? "",
                result: Self.text(answer["result"], answer["resultParts"]),
                code: answer["error"].int, message: answer["message"].string, data: answer["data"].string)
        }
    }

    private static func text(_ value: JSONValue, _ parts: JSONValue) -> String? {
        parts.array.isEmpty ? value.string : String(decoding: ConformanceTests.joined(parts), as: UTF8.self)
    }

    /// Describes every difference between `response` and the expectation.
    func faults(in response: H2Response) -> [String] {
        var faults: [String] = []
        if response.status != status { faults.append("status \(response.status)") }
        if answers.isEmpty, answerCount == nil {
            if !response.body.isEmpty { faults.append("a body") }
            return faults
        }
        if response.headers["content-type"] != "application/json" { faults.append("content type") }
        let texts: [JSONBytes]
        do {
            texts =
                isBatch
                ? try decodeJSON([JSONBytes].self, from: response.body) : [try JSONBytes(checking: response.body)]
        } catch {
            return faults + ["no JSON: \(error)"]
        }
        if let answerCount, texts.count != answerCount { faults.append("\(texts.count) answers") }
        if answers.isEmpty { return faults }
        var missing = answers
        for text in texts {
            guard let answer = Self.answer(text) else { return faults + ["no response object: \(text)"] }
            if let index = missing.firstIndex(where: { Self.matches($0, answer) }) {
                missing.remove(at: index)
            } else {
                faults.append("unexpected \(text)")
            }
        }
        return faults + missing.map { "no answer like \($0)" }
    }

    private static func matches(_ expected: Answer, _ actual: Answer) -> Bool {
        expected.id == actual.id && expected.result == actual.result && expected.code == actual.code
            && (expected.message == nil || expected.message == actual.message)
            && (expected.data == nil || expected.data == actual.data)
    }

    private static func answer(_ text: JSONBytes) -> Answer? {
        guard let members = try? text.decode([String: JSONBytes].self), members["jsonrpc"]?.description == "\"2.0\"",
            let id = members["id"], (members["result"] == nil) != (members["error"] == nil)
        else { return nil }
        guard let error = members["error"] else {
            return Answer(id: id.description, result: members["result"]?.description)
        }
        guard let value = try? error.decode([String: JSONBytes].self),
            let code = value["code"].flatMap({ Int($0.description) }),
            let message = value["message"].flatMap({ try? $0.decode(String.self) })
        else { return nil }
        return Answer(id: id.description, code: code, message: message, data: value["data"]?.description)
    }
}
