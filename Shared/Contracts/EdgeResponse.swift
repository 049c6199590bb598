package import JSON
package import RPC

/// A public response, independent of the HTTP server.
package struct EdgeResponse: Sendable {
    package var status: Int
    /// The header fields, in order, with lowercase names; they include the content type if there is a body.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// The cause of a failure, for the log; never sent.
    package var cause: String?
    /// The registry's name of a failure; nil if it succeeded.
    package var code: String?
    /// What follows `body`, sent as it is produced.
    package var stream: EdgeStream?
    /// Whether its operation gives everybody this response for the life of the process, so that what is derived from it
    /// can be cached.
    package var isFixed = false

    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], stream: EdgeStream? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
    }
}

/// The success reply of an operation: the body named by its contract, and additional header fields.
@usableFromInline
package struct EdgeReply<Body: Sendable>: Sendable {
    @usableFromInline package var body: Body
    /// Additional header fields, with lowercase names.
    @usableFromInline package var headers: [(name: String, value: String)]

    @inlinable
    package init(_ body: Body, headers: [(name: String, value: String)] = []) {
        self.body = body
        self.headers = headers
    }
}

/// The body of a reply without one.
package struct EdgeNothing: Sendable, Hashable {
    package init() {}
}

/// The body of a reply that is already JSON, so that an unchanged value is encoded only once.
package struct EdgeWritten<Value: JSONCodable & Sendable>: Sendable {
    package let bytes: [UInt8]

    package init(_ value: Value) { bytes = encodeJSON(value, capacity: EdgeResponse.documentBytesExpected) }

    /// Decodes the value.
    package func value() throws(JSONError) -> Value { try decodeJSON(Value.self, from: bytes) }
}

extension EdgeReply where Body == EdgeNothing {
    /// Returns a reply without a body.
    package static func nothing(headers: [(name: String, value: String)] = []) -> EdgeReply {
        EdgeReply(EdgeNothing(), headers: headers)
    }
}

extension EdgeResponse {
    init(_ status: Int, _ reply: EdgeReply<some JSONEncodable>) {
        self.init(
            status: status, headers: Self.documentHeaders(and: reply.headers),
            body: encodeJSON(reply.body, capacity: Self.documentBytesExpected))
    }

    init<Value>(_ status: Int, _ reply: EdgeReply<EdgeWritten<Value>>) {
        self.init(status: status, headers: Self.documentHeaders(and: reply.headers), body: reply.body.bytes)
    }

    private static func documentHeaders(
        and more: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        headers.reserveCapacity(headersExpected + more.count)
        headers.append(("content-type", "application/json"))
        headers += more
        return headers
    }

    /// Capacity for the fields that most responses end up with.
    private static let headersExpected = 8

    /// Capacity for most documents, so that their buffer does not grow while they are written: 4 KiB.
    fileprivate static let documentBytesExpected = 4_096

    init(_ status: Int, _ reply: EdgeReply<EdgeNothing>) { self.init(status: status, headers: reply.headers) }

    init(_ status: Int, _ reply: EdgeReply<EdgeStream>) {
        let stream = reply.body
        let kept = stream.name.map { (name: "content-disposition", value: "attachment; filename=\"\($0)\"") }
        self.init(
            status: status,
            headers: [(name: "content-type", value: stream.contentType)] + [kept].compactMap(\.self) + reply.headers,
            stream: stream)
    }

    /// Creates a response of a constant document that is already JSON.
    init(document: [UInt8]) {
        self.init(status: 200, headers: [("content-type", "application/json")], body: document)
        isFixed = true
    }

    /// Returns the problem document (RFC 9457) of `error`. Codes outside the registry become `internal`, except invalid
    /// params, where a service found fault with what the person sent, and unknown methods, which occur in the middle of
    /// an upgrade. A `retry_after_seconds` in the data becomes Retry-After.
    package static func problem(_ error: RPCError, trace: TraceContext) -> EdgeResponse {
        var known = RegistryError(code: error.code)
        if error.code == RPCError.Code.invalidParams { known = .invalidRequest }
        if error.code == RPCError.Code.methodNotFound { known = .unavailable }
        let status = known?.status ?? 500
        let name = known?.rawValue ?? "internal"
        let title = known?.meaning ?? "Something went wrong here."
        let problem = Problem(
            type: "urn:reelay:error:\(name)", title: title, status: status, code: name,
            detail: known == nil || error.message == title ? nil : error.message, traceId: trace.traceID)
        var headers = [(name: "content-type", value: "application/problem+json")]
        if known == .unauthenticated { headers.append(("www-authenticate", "Bearer")) }
        if let seconds = try? error.data?.decode(JSONValue.self)["retry_after_seconds"].int {
            headers.append(("retry-after", String(seconds)))
        }
        var response = EdgeResponse(status: status, headers: headers, body: encodeJSON(problem))
        response.cause = error.cause
        response.code = name
        return response
    }
}
