package import Foundation

/// Calls by curl: a client that shares no code with ours.
package enum Wire {
    /// An HTTP answer.
    package struct Answer: Sendable {
        package let status: Int
        package let headers: [String: String]
        package let body: Data
        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// One request; `http2` speaks HTTP/2 with prior knowledge, as between services.
    package static func send(
        _ method: String, _ url: String, headers: [String: String] = [:], body: String? = nil, http2: Bool = false
    ) async throws -> Answer {
        var arguments = ["-sS", "-i", "-X", method, "--max-time", "30", url]
        if http2 { arguments.append("--http2-prior-knowledge") }
        for (name, value) in headers { arguments += ["-H", "\(name): \(value)"] }
        if let body { arguments += ["--data-binary", body] }
        return try parse(try await Command.run("curl", arguments))
    }

    /// A JSON-RPC call to a service; the whole response text.
    package static func call(
        _ service: StackProcess, _ method: String, params: String, secret: String = Stack.serviceSecret,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        var fields = ["content-type": "application/json", "authorization": "Bearer \(secret)"]
        fields.merge(headers) { _, new in new }
        return try await send(
            "POST", "http://127.0.0.1:\(service.rpcPort)/rpc", headers: fields,
            body: #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(params)}"#, http2: true)
    }

    private static func parse(_ text: String) throws -> Answer {
        guard let end = text.range(of: "\r\n\r\n") else { throw StackError("curl printed no header: \(text)") }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        if status == 100 { return try parse(String(text[end.upperBound...])) }
        return Answer(status: status, headers: headers, body: Data(text[end.upperBound...].utf8))
    }
}
