import HTTP2
import JSON

/// Reads the response to one call and checks it against JSON-RPC. Pure.
struct ResponseReader: Sendable {
    enum Outcome: Sendable, Hashable {
        /// The range of the result in the body.
        case result(Range<Int>)
        /// The peer answered with an error.
        case failed(RPCError)
        case malformed(ResponseFault)
    }

    private static let members = JSONNames("jsonrpc", "id", "result", "error")
    private static let errorMembers = JSONNames("code", "message", "data")
    /// Bytes of a peer's error message; longer ones are truncated.
    private static let messageBytesMax = 1_024

    /// The id of the call.
    let number: Int

    func read(_ response: H2Response) -> Outcome {
        guard response.status == 200 else { return Self.meaning(of: response.status) }
        guard RequestHeaders.tellJSON(response.headers) else { return .malformed(.contentType) }
        do throws(JSONError) {
            return try response.body.withUnsafeBufferPointer { (bytes) throws(JSONError) in
                try read(UnsafeRawBufferPointer(bytes))
            }
        } catch {
            return .malformed(.notJSON)
        }
    }

    /// Validates the response and decodes its result in one pass. Returns nil if it is something else or its result is
    /// not a `Value`; `read` then tells what it is.
    func value<Value: JSONDecodable>(_ type: Value.Type, of response: H2Response) -> Value? {
        guard response.status == 200, RequestHeaders.tellJSON(response.headers) else { return nil }
        return response.body.withUnsafeBufferPointer { (bytes: UnsafeBufferPointer<UInt8>) -> Value? in
            do throws(JSONError) {
                let bytes = UnsafeRawBufferPointer(bytes)
                if let result = try ownValue(type, in: bytes) { return result }
                return try value(type, in: bytes)
            } catch {
                return nil
            }
        }
    }

    /// Returns the result of a response that is written exactly as our servers write it; nil otherwise.
    private func ownValue<Value: JSONDecodable>(
        _ type: Value.Type, in bytes: UnsafeRawBufferPointer
    ) throws(JSONError) -> Value? {
        var reader = JSONReader(bytes)
        guard reader.peekKind() == .object else { return nil }
        _ = try reader.beginObject()
        guard reader.take(#""jsonrpc":"2.0","id":"#), reader.take(number), reader.take(#","result":"#) else {
            return nil
        }
        let result = try Value(from: &reader)
        guard reader.take("}") else { return nil }
        try reader.finish()
        return result
    }

    private func value<Value: JSONDecodable>(
        _ type: Value.Type, in bytes: UnsafeRawBufferPointer
    ) throws(JSONError) -> Value? {
        var reader = JSONReader(bytes)
        guard reader.peekKind() == .object else { return nil }
        var hasVersion = false
        var isOurs = false
        var result: Value?
        var members = try reader.beginObject()
        while let member = try reader.nextMember(&members, Self.members) {
            switch member {
            case 0: hasVersion = try reader.isVersion2()
            case 1: isOurs = try readID(&reader) == .ours
            case 2: result = try Value(from: &reader)
            default: return nil
            }
        }
        try reader.finish()
        return hasVersion && isOurs ? result : nil
    }

    private static func meaning(of status: Int) -> Outcome {
        switch status {
        case 401: .failed(.unauthenticated)
        case 408, 502, 503: .failed(.unavailable("The service cannot be reached right now."))
        case 413, 431: .failed(.invalidParams("params: are larger than the service accepts"))
        case 429: .failed(.overloaded("The service refuses work that it could not finish in time."))
        case 504: .failed(.deadlineExceeded)
        default: .malformed(.status(status))
        }
    }

    private enum Identity { case missing, null, ours, other }

    private func read(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> Outcome {
        var reader = JSONReader(bytes)
        guard reader.peekKind() == .object else { return .malformed(.notJSON) }
        var hasVersion = false
        var identity = Identity.missing
        var result: Range<Int>?
        var error: RPCError?
        var hasError = false
        var members = try reader.beginObject()
        while let member = try reader.nextMember(&members, Self.members) {
            switch member {
            case 0: hasVersion = try reader.isVersion2()
            case 1: identity = try readID(&reader)
            case 2: result = try reader.skipValueRange()
            default:
                hasError = true
                error = try Self.readError(&reader)
            }
        }
        try reader.finish()
        if !hasVersion { return .malformed(.version) }
        switch (result, hasError) {
        case (.some, true): return .malformed(.both)
        case (nil, false): return .malformed(.neither)
        case (nil, true):
            guard let error else { return .malformed(.malformedError) }
            // A peer that could not read our id answers with null, but only with errors.
            return identity == .ours || identity == .null ? .failed(error) : Self.wrong(identity)
        case (let range?, false):
            return identity == .ours ? .result(range) : Self.wrong(identity)
        }
    }

    private static func wrong(_ identity: Identity) -> Outcome {
        .malformed(identity == .missing ? .missingID : .wrongID)
    }

    private func readID(_ reader: inout JSONReader) throws(JSONError) -> Identity {
        if try reader.null() { return .null }
        guard reader.peekKind() == .number else {
            try reader.skipValue()
            return .other
        }
        return try reader.number().text == String(number) ? .ours : .other
    }

    private static func readError(_ reader: inout JSONReader) throws(JSONError) -> RPCError? {
        guard reader.peekKind() == .object else {
            try reader.skipValue()
            return nil
        }
        var code: Int?
        var message: String?
        var data: JSONBytes?
        var members = try reader.beginObject()
        while let member = try reader.nextMember(&members, errorMembers) {
            switch (member, reader.peekKind()) {
            case (0, .number): code = try reader.number().int
            case (1, .string): message = try reader.string()
            case (2, _): data = try reader.rawValue()
            default: try reader.skipValue()
            }
        }
        guard let code, let message else { return nil }
        let short = message.utf8.count <= messageBytesMax ? message : String(message.prefix(messageBytesMax / 4))
        return RPCError(code: code, message: short, data: data)
    }
}
