internal import JSON
package import RPC

/// A public request in the form used by routes, independent of the HTTP server.
package struct EdgeRequest: Sendable {
    /// The percent-decoded values of the path template, by name.
    package var pathParameters: [String: String]
    /// The percent-decoded query items, in order.
    package var query: [(name: String, value: String)]
    /// The header fields, in order, with lowercase names.
    package var headers: [(name: String, value: String)]
    /// The body, empty if there is none; complete unless the operation takes any form.
    package var body: [UInt8]
    /// For a body in any form: whether it was longer than what is kept, and whether it was longer than what is read at
    /// all.
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

    /// Returns the first header field with that lowercase name.
    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// The caller, as identified by the gateway from the bearer token.
package struct EdgeCaller: Sendable, Hashable {
    /// The scope of operations reserved to administrators, with a session or a key.
    package static let administration = "admin"

    package let user: UserID
    package let isAdministrator: Bool
    /// The person's time zone, a name from the IANA database.
    package let timeZone: String
    /// What the credentials permit; nil for a session, which permits everything that the person may do.
    package let scopes: Set<String>?
    /// The session or API key of the token.
    package let credential: UUIDBits
    /// Whether the person's password was set by an administrator: the caller may then only change it.
    package let hasGivenPassword: Bool
    /// Whether the person lacks the second factor that everybody must have: the caller may then only set one up.
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

    /// Whether the credentials permit operations of `scope`; those without one require a session.
    package func allows(_ scope: String?) -> Bool {
        if scope == Self.administration, !isAdministrator { return false }
        guard let scopes else { return true }
        return scope.map(scopes.contains) ?? false
    }
}

/// The key under which a request takes effect once, and what the request was.
package struct EdgeOnce: Sendable, Hashable {
    /// 1 to 255 visible ASCII characters.
    package let key: String
    /// The SHA-256 of method, address and body, which distinguishes another request under the same key. A password in
    /// the body could be guessed from it, so it is never stored without a key.
    package let fingerprint: [UInt8]

    package init(key: String, fingerprint: [UInt8]) {
        self.key = key
        self.fingerprint = fingerprint
    }
}

/// The context of a request, for its operation.
package struct EdgeContext: Sendable {
    /// The deadline, trace and idempotency key; `rpc.outgoing()` passes them on to a service.
    package let rpc: RPCContext
    /// The client's address as text, as far as trusted proxies report it.
    package let clientAddress: String
    /// Nil without an Idempotency-Key.
    package let once: EdgeOnce?
    /// The tags of If-Match. Already checked, except for operations with `x-conditional`, which check it together with
    /// their effect.
    package let ifMatch: EntityTags?
    /// The tags of If-None-Match; checked likewise for a write, but not by the operation for a read.
    package let ifNoneMatch: EntityTags?
    /// The bearer token of a request for an operation that is open to all, unchecked; nil for the other operations,
    /// which know the caller instead.
    package let bearer: String?
    /// Whom and what the request turns out to concern.
    package let subject: EdgeSubject

    package init(
        rpc: RPCContext, clientAddress: String, once: EdgeOnce? = nil, ifMatch: EntityTags? = nil,
        ifNoneMatch: EntityTags? = nil, bearer: String? = nil, subject: EdgeSubject = EdgeSubject()
    ) {
        self.rpc = rpc
        self.clientAddress = clientAddress
        self.once = once
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
        self.bearer = bearer
        self.subject = subject
    }

    /// Whether a resource with `tag` may be written; nil if there is none.
    package func allowsWrite(of tag: String?) -> Bool {
        (ifMatch?.allowsWrite(of: tag) ?? true) && ifNoneMatch?.contains(tag) != true
    }
}

/// The place of a parameter.
enum EdgePlace { case path, query, header }

extension EdgeRequest {
    /// Reads a required parameter; `isText` tells whether its JSON form is quoted.
    func required<Value>(
        _ place: EdgePlace, _ name: String, isText: Bool,
        _ value: (inout JSONReader) throws(JSONError) -> Value
    ) throws(RPCError) -> Value {
        guard let value = try optional(place, name, isText: isText, value) else {
            throw .invalidRequest("\(name): is missing")
        }
        return value
    }

    /// Reads an optional parameter.
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
        // Checked as JSON, so that a value means the same in a body and in an address.
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

    /// Reads the required body; members that the operation does not know are refused.
    func requiredBody<Body: JSONDecodable>(_ type: Body.Type) throws(RPCError) -> Body {
        guard let body = try optionalBody(type) else { throw .invalidRequest("The request has no body.") }
        return body
    }

    /// Reads the optional body.
    func optionalBody<Body: JSONDecodable>(_ type: Body.Type) throws(RPCError) -> Body? {
        if body.isEmpty { return nil }
        guard isJSON else { throw .unsupportedMediaType("The body must be application/json.") }
        do throws(JSONError) {
            return try decodeJSON(type, from: body, unknownMembers: .refuse)
        } catch {
            throw .invalidRequest(error.description)
        }
    }

    /// Returns the body in whatever form it came.
    func rawBody() -> EdgeBody {
        EdgeBody(
            contentType: header("content-type") ?? "", bytes: body, isCut: isBodyCut, isTooLarge: isBodyTooLarge)
    }

    /// Returns the body in pieces, for an operation that takes it that way.
    func requiredUpload() throws(RPCError) -> EdgeUpload {
        guard let upload else { throw .invalidRequest("The request has no body.") }
        return upload
    }

    /// Whether the content type is JSON; its parameters, such as a charset, have no effect (RFC 8259 §8.1).
    private var isJSON: Bool {
        guard let type = header("content-type")?.split(separator: ";").first else { return false }
        return type.lowercased().filter { $0 != " " && $0 != "\t" } == "application/json"
    }
}
