import JSON

/// One member of a request body: either a call as ranges of the body, or why it is not one.
struct ScannedRequest: Sendable {
    /// The id's text; nil for a notification, or if a faulty request's id is unknown.
    var id: Range<Int>?
    /// The params' text, an object; nil if they are absent.
    var params: Range<Int>?
    /// The route of the method; nil if the service has no such method.
    var route: Int?
    /// Why this call cannot be run; an invalid request is answered even without an id.
    var fault: RPCError?
}

/// A whole request body.
enum ScannedBody: Sendable {
    case single(ScannedRequest)
    case batch([ScannedRequest])
}

/// Scans request bodies: one strict pass that validates all of the JSON and keeps only positions.
struct RequestScanner: Sendable {
    private static let members = JSONNames("jsonrpc", "id", "method", "params")

    let methods: MethodTable
    let limits: RPCLimits

    /// Scans `body`; throws the error for the request as a whole: −32700 for text that is not strict JSON, −32600 for
    /// an empty or overlong batch.
    func scan(_ body: [UInt8]) throws(RPCError) -> ScannedBody {
        let outcome: Result<ScannedBody, RPCError>
        do throws(JSONError) {
            outcome = try body.withUnsafeBufferPointer { (bytes) throws(JSONError) in
                try scan(UnsafeRawBufferPointer(bytes))
            }
        } catch {
            throw RPCError.parseError("The request is not valid: \(error)")
        }
        return try outcome.get()
    }

    private func scan(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> Result<ScannedBody, RPCError> {
        var reader = JSONReader(bytes, limits: limits.json)
        guard reader.peekKind() == .array else {
            let request = try scanMember(&reader)
            try reader.finish()
            return .success(.single(request))
        }
        var requests: [ScannedRequest] = []
        var elements = try reader.beginArray()
        while try reader.nextElement(&elements) {
            if requests.count == limits.batchMembersMax {
                return .failure(.invalidRequest("A batch holds at most \(limits.batchMembersMax) members."))
            }
            requests.append(try scanMember(&reader))
        }
        try reader.finish()
        if requests.isEmpty { return .failure(.invalidRequest("A batch holds at least one member.")) }
        return .success(.batch(requests))
    }

    private func scanMember(
        _ reader: inout JSONReader
    ) throws(JSONError) -> ScannedRequest {
        var request = ScannedRequest()
        guard reader.peekKind() == .object else {
            try reader.skipValue()
            request.fault = .invalidRequest("A request must be an object.")
            return request
        }
        var hasVersion = false
        var hasMethod = false
        var members = try reader.beginObject()
        while let member = try reader.nextMember(&members, Self.members) {
            switch member {
            case 0: hasVersion = try reader.isVersion2()
            case 1: try scanID(&reader, into: &request)
            case 2: hasMethod = try scanMethod(&reader, into: &request)
            default: try scanParams(&reader, into: &request)
            }
        }
        if !hasVersion { request.fault = .invalidRequest("jsonrpc is not \"2.0\".") }
        if !hasMethod { request.fault = .invalidRequest("method is not a string.") }
        return request
    }

    private func scanID(
        _ reader: inout JSONReader, into request: inout ScannedRequest
    ) throws(JSONError) {
        let kind = reader.peekKind()
        let range = try reader.skipValueRange()
        switch kind {
        case .string, .number, .null:
            if range.count <= limits.idBytesMax {
                request.id = range
            } else {
                request.fault = .invalidRequest("id is longer than \(limits.idBytesMax) bytes.")
            }
        case .bool, .array, .object, nil:
            request.fault = .invalidRequest("id is neither a string nor a number nor null.")
        }
    }

    private func scanMethod(_ reader: inout JSONReader, into request: inout ScannedRequest) throws(JSONError) -> Bool {
        guard reader.peekKind() == .string else {
            try reader.skipValue()
            return false
        }
        // −1 stands for an unknown name, since nil would reject the string.
        let route = try reader.parseString("is not a method") { methods.find($0) ?? -1 }
        request.route = route < 0 ? nil : route
        return true
    }

    private func scanParams(_ reader: inout JSONReader, into request: inout ScannedRequest) throws(JSONError) {
        let kind = reader.peekKind()
        let range = try reader.skipValueRange()
        switch kind {
        case .object: request.params = range
        case .array:
            // A later fault of the envelope replaces this one; an earlier one stays.
            request.fault = request.fault ?? .invalidParams("params: are given by position instead of by name")
        case .string, .number, .bool, .null, nil:
            request.fault = .invalidRequest("params is not an object.")
        }
    }
}
