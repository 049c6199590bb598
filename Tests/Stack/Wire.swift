package import Foundation

/// Clients that share no code with ours: HTTP/1.1 is written and parsed here, HTTP/2 is swift-nio's. Every request has
/// its own connection, so that earlier ones cannot affect it.
package enum Wire {
    /// An HTTP response; header names are in lower case, and the values of repeated fields are joined with commas.
    package struct Answer: Sendable {
        package let status: Int
        package let headers: [String: String]
        package let body: Data
        package var text: String { String(decoding: body, as: UTF8.self) }

        package init(status: Int, headers: [String: String], body: Data) {
            self.status = status
            self.headers = headers
            self.body = body
        }
    }

    /// A request to send.
    struct Request: Sendable {
        let method: String
        let host: String
        let port: Int
        /// The path and query as given.
        let target: String
        let headers: [String: String]
        let body: [UInt8]?

        init(_ method: String, _ url: String, _ headers: [String: String], _ body: [UInt8]?) throws {
            let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count >= 3, parts[0] == "http:", let colon = parts[2].lastIndex(of: ":"),
                let port = Int(parts[2][parts[2].index(after: colon)...])
            else { throw StackError("\(url) is not http://host:port/…") }
            self.method = method
            host = String(parts[2][..<colon])
            self.port = port
            target = "/" + (parts.count > 3 ? parts[3] : "")
            self.headers = Dictionary(headers.map { ($0.lowercased(), $1) }) { first, _ in first }
            self.body = body
        }
    }

    /// The longest time that a request may take.
    static let patience: Duration = .seconds(30)

    /// Sends one request; `http2` uses HTTP/2 with prior knowledge, as between services.
    package static func send(
        _ method: String, _ url: String, headers: [String: String] = [:], body: String? = nil, http2: Bool = false
    ) async throws -> Answer {
        let request = try Request(method, url, headers, body.map { Array($0.utf8) })
        return try await http2 ? WireHTTP2.exchange(request) : WireHTTP1.exchange(request)
    }

    /// Sends one request over HTTP/1.1 with a binary body.
    package static func send(
        _ method: String, _ url: String, headers: [String: String], bytes: [UInt8]
    ) async throws -> Answer {
        try await WireHTTP1.exchange(try Request(method, url, headers, bytes))
    }

    /// Makes a JSON-RPC call to a service and returns the HTTP response.
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
}
