public import JSON

/// The JSON-RPC 2.0 envelope around params and results, read as ranges and written in place.
@usableFromInline
enum RPCEnvelope {
    /// Stands in for absent params.
    @usableFromInline static let emptyParams: [UInt8] = Array("{}".utf8)

    /// Decodes the params at `range` of `body`; an error becomes −32602 with the path of the member.
    @inlinable
    static func decodeParams<Params: JSONDecodable>(
        _ body: [UInt8], at range: Range<Int>?
    ) throws(RPCError) -> Params {
        do throws(JSONError) {
            guard let range else { return try decodeJSON(Params.self, from: emptyParams) }
            return try decodeJSON(Params.self, from: body, at: range)
        } catch {
            throw RPCError.invalidParams(error.prefixed(by: "params").description)
        }
    }

    /// Returns the response with `result` for the id at `id` of `body`; empty for a notification.
    @inlinable
    static func response(_ result: some JSONEncodable, _ body: [UInt8], id: Range<Int>?) -> [UInt8] {
        guard let id else { return [] }
        var writer = JSONWriter()
        writer.raw("{\"jsonrpc\":\"2.0\",\"id\":")
        body.withUnsafeBufferPointer { writer.raw(UnsafeBufferPointer(rebasing: $0[id])) }
        writer.raw(",\"result\":")
        result.encode(to: &writer)
        writer.raw(byte: UInt8(ascii: "}"))
        return writer.bytes
    }

    /// Returns the response with `error`; an unknown id is null.
    static func response(_ error: RPCError, _ body: [UInt8] = [], id: Range<Int>? = nil) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"jsonrpc\":\"2.0\",\"id\":")
        if let id {
            body.withUnsafeBufferPointer { writer.raw(UnsafeBufferPointer(rebasing: $0[id])) }
        } else {
            writer.raw("null")
        }
        writer.raw(",\"error\":{\"code\":")
        writer.int(error.code)
        writer.raw(",\"message\":")
        writer.string(error.message)
        if let data = error.data {
            writer.raw(",\"data\":")
            data.encode(to: &writer)
        }
        writer.raw("}}")
        return writer.bytes
    }

    /// Returns the request for `method` with the id `number`.
    static func request(_ number: Int, _ method: RPCMethod, _ params: some JSONEncodable) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"jsonrpc\":\"2.0\",\"id\":")
        writer.int(number)
        writer.raw(",\"method\":")
        writer.string(method.name)
        writer.raw(",\"params\":")
        params.encode(to: &writer)
        writer.raw(byte: UInt8(ascii: "}"))
        return writer.bytes
    }
}

extension JSONReader {
    /// Reads the value of `jsonrpc` and returns whether it is the string 2.0.
    mutating func isVersion2() throws(JSONError) -> Bool {
        guard peekKind() == .string else {
            try skipValue()
            return false
        }
        return try parseString("is not a version") { text in
            text.count == 3 && text[0] == UInt8(ascii: "2") && text[1] == UInt8(ascii: ".")
                && text[2] == UInt8(ascii: "0")
        }
    }
}
