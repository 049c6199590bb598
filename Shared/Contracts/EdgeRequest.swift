internal import JSON
package import RPC

/// A public request as the routes need it, whatever HTTP server took it in.
package struct EdgeRequest: Sendable {
    /// The values of the path template, percent-decoded, by name.
    package var pathParameters: [String: String]
    /// The query in its order, percent-decoded.
    package var query: [(name: String, value: String)]
    /// The header fields in their order, names in lower case.
    package var headers: [(name: String, value: String)]
    /// The body, empty where there is none; the whole of it unless the operation takes any form.
    package var body: [UInt8]
    /// Of a body in any form: whether more followed than is kept, and whether it was longer than is read at all.
    package var isBodyCut: Bool
    package var isBodyTooLarge: Bool

    /// The body of an operation that takes it in pieces.
    package var upload: EdgeUpload?

    package init(
        pathParameters: [String: String] = [:], query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = [], isBodyCut: Bool = false,
        isBodyTooLarge: Bool = false, upload: EdgeUpload? = nil
    ) {
        self.pathParameters = pathParameters
        self.query = query
        self.headers = headers
        self.body = body
        self.isBodyCut = isBodyCut
        self.isBodyTooLarge = isBodyTooLarge
        self.upload = upload
    }

    /// The first header field of that lower-case name.
    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// Who is asking, as the gateway found out from the bearer token.
package struct EdgeCaller: Sendable, Hashable {
    /// The scope of operations that only an administrator may do, with a session or a key.
    package static let administration = "admin"

    package let user: UserID
    package let isAdministrator: Bool
    /// The person's time zone, a name of the IANA database.
    package let timeZone: String
    /// What the credentials allow; nil for a session, which may do everything that the person may.
    package let scopes: Set<String>?
    /// The session or API key that the token belongs to.
    package let credential: UUIDBits
    /// Whether the person's password is one that an administrator gave: it is there to be changed, and for nothing else.
    package let hasGivenPassword: Bool
    /// Whether the person has no second factor where everybody has to have one: it is there to get one, and for nothing else.
    package let lacksSecondFactor: Bool

    package init(
        user: UserID, isAdministrator: Bool = false, timeZone: String = "UTC", scopes: Set<String>? = nil,
        credential: UUIDBits, hasGivenPassword: Bool = false, lacksSecondFactor: Bool = false
    ) {
        self.user = user
        self.isAdministrator = isAdministrator
        self.timeZone = timeZone
        self.scopes = scopes
        self.credential = credential
        self.hasGivenPassword = hasGivenPassword
        self.lacksSecondFactor = lacksSecondFactor
    }

    /// Whether the credentials allow operations of `scope`; only a session may do those without one.
    package func allows(_ scope: String?) -> Bool {
        if scope == Self.administration, !isAdministrator { return false }
        guard let scopes else { return true }
        return scope.map(scopes.contains) ?? false
    }
}

/// Under which key a request takes effect once, and what the request was.
package struct EdgeOnce: Sendable, Hashable {
    /// 1 to 255 visible ASCII characters.
    package let key: String
    /// SHA-256 of method, address and body: another request under the same key is told apart by it. A body may hold a password
    /// that could be guessed from it, so it is kept nowhere without a key.
    package let fingerprint: [UInt8]

    package init(key: String, fingerprint: [UInt8]) {
        self.key = key
        self.fingerprint = fingerprint
    }
}

/// What an operation knows about the request around it.
package struct EdgeContext: Sendable {
    /// Deadline, trace and idempotency key; `rpc.outgoing()` continues them to a service.
    package let rpc: RPCContext
    /// The address of the client as text, as far as trusted proxies tell it.
    package let clientAddress: String
    /// Nil without an Idempotency-Key.
    package let once: EdgeOnce?
    /// What If-Match asks for. Checked already, but for operations with `x-conditional`, which check it with their effect.
    package let ifMatch: EntityTags?
    /// What If-None-Match asks for; of a write checked like the above, of a read by nobody here.
    package let ifNoneMatch: EntityTags?
    /// Whom and what the request turns out to be about.
    package let subject: EdgeSubject

    package init(
        rpc: RPCContext, clientAddress: String, once: EdgeOnce? = nil, ifMatch: EntityTags? = nil,
        ifNoneMatch: EntityTags? = nil, subject: EdgeSubject = EdgeSubject()
    ) {
        self.rpc = rpc
        self.clientAddress = clientAddress
        self.once = once
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
        self.subject = subject
    }

    /// Whether a write may happen to what has `tag`, nil for nothing there.
    package func allowsWrite(of tag: String?) -> Bool {
        (ifMatch?.allowsWrite(of: tag) ?? true) && ifNoneMatch?.contains(tag) != true
    }
}

/// Where a parameter stands.
enum EdgePlace { case path, query, header }

extension EdgeRequest {
    /// Reads a required parameter; `isText` says whether its JSON form stands between quotes.
    func required<Value>(
        _ place: EdgePlace, _ name: String, isText: Bool,
        _ value: (inout JSONReader) throws(JSONError) -> Value
    ) throws(RPCError) -> Value {
        guard let value = try optional(place, name, isText: isText, value) else {
            throw .invalidRequest("\(name): is missing")
        }
        return value
    }

    /// Reads a parameter that may be absent.
    func optional<Value>(
        _ place: EdgePlace, _ name: String, isText: Bool,
        _ value: (inout JSONReader) throws(JSONError) -> Value
    ) throws(RPCError) -> Value? {
        let given =
            switch place {
            case .path: pathParameters[name].map { [$0] } ?? []
            case .query: query.filter { $0.name == name }.map(\.value)
            case .header: headers.filter { $0.name == name.lowercased() }.map(\.value)
            }
        guard let text = given.first else { return nil }
        guard given.count == 1 else { throw .invalidRequest("\(name): is given twice") }
        // The checks are those of JSON, so that a value means the same in a body and in an address.
        if !isText, text.utf8.first.map({ $0 <= 0x20 }) ?? true || text.utf8.last.map({ $0 <= 0x20 }) ?? true {
            throw .invalidRequest("\(name): is not a number or boolean")
        }
        let json = isText ? encodeJSON(text) : Array(text.utf8)
        do throws(JSONError) {
            return try json.withUnsafeBufferPointer { (buffer) throws(JSONError) in
                var reader = JSONReader(UnsafeRawBufferPointer(buffer))
                let result = try value(&reader)
                try reader.finish()
                return result
            }
        } catch {
            throw .invalidRequest(error.prefixed(by: name).description)
        }
    }

    /// Reads the body, which must be there; members that the operation does not know are refused.
    func requiredBody<Body: JSONDecodable>(_ type: Body.Type) throws(RPCError) -> Body {
        guard let body = try optionalBody(type) else { throw .invalidRequest("The request has no body.") }
        return body
    }

    /// Reads the body, which may be absent.
    func optionalBody<Body: JSONDecodable>(_ type: Body.Type) throws(RPCError) -> Body? {
        if body.isEmpty { return nil }
        guard isJSON else { throw .unsupportedMediaType("The body must be application/json.") }
        do throws(JSONError) {
            return try decodeJSON(type, from: body, unknownMembers: .refuse)
        } catch {
            throw .invalidRequest(error.description)
        }
    }

    /// The body in whatever form it came.
    func rawBody() -> EdgeBody {
        EdgeBody(
            contentType: header("content-type") ?? "", bytes: body, isCut: isBodyCut, isTooLarge: isBodyTooLarge)
    }

    /// The body in pieces, of an operation that takes it so.
    func requiredUpload() throws(RPCError) -> EdgeUpload {
        guard let upload else { throw .invalidRequest("The request has no body.") }
        return upload
    }

    /// Whether the content type is JSON; its parameters, such as a charset, change nothing (RFC 8259 §8.1).
    private var isJSON: Bool {
        guard let type = header("content-type")?.split(separator: ";").first else { return false }
        return type.lowercased().filter { $0 != " " && $0 != "\t" } == "application/json"
    }
}
