/// A value that can be read from JSON, fully checked while reading.
@usableFromInline
package protocol JSONDecodable: Sendable {
    /// Reads the next value; throws the first fault with its path.
    init(from reader: inout JSONReader) throws(JSONError)
}

/// A value that can be written as JSON.
@usableFromInline
package protocol JSONEncodable: Sendable {
    /// Appends exactly one JSON value.
    func encode(to writer: inout JSONWriter)
}

@usableFromInline
package typealias JSONCodable = JSONDecodable & JSONEncodable

/// Decodes the single value in `bytes`.
@inlinable
package func decodeJSON<Value: JSONDecodable>(
    _ type: Value.Type, from bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard,
    unknownMembers: UnknownMembers = .ignore
) throws(JSONError) -> Value {
    var reader = JSONReader(bytes, limits: limits, unknownMembers: unknownMembers)
    let value = try Value(from: &reader)
    try reader.finish()
    return value
}

/// Decodes the single value in `bytes`.
@inlinable
package func decodeJSON<Value: JSONDecodable>(
    _ type: Value.Type, from bytes: [UInt8], limits: JSONLimits = .standard,
    unknownMembers: UnknownMembers = .ignore
) throws(JSONError) -> Value {
    try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
        try decodeJSON(type, from: UnsafeRawBufferPointer(buffer), limits: limits, unknownMembers: unknownMembers)
    }
}

/// Decodes the single value at `range` of `bytes`; `range` must be within bounds.
@inlinable
package func decodeJSON<Value: JSONDecodable>(
    _ type: Value.Type, from bytes: [UInt8], at range: Range<Int>, limits: JSONLimits = .standard,
    unknownMembers: UnknownMembers = .ignore
) throws(JSONError) -> Value {
    try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
        let part = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[range]))
        return try decodeJSON(type, from: part, limits: limits, unknownMembers: unknownMembers)
    }
}

/// Returns the compact JSON text of `value`; up to `capacity` bytes are written without reallocating.
@inlinable
package func encodeJSON(_ value: some JSONEncodable, capacity: Int = 512) -> [UInt8] {
    var writer = JSONWriter(capacity: capacity)
    value.encode(to: &writer)
    return writer.bytes
}

extension String: JSONCodable {
    @inlinable
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.string() }
    @inlinable
    package func encode(to writer: inout JSONWriter) { writer.string(self) }
}

extension Int: JSONCodable {
    @inlinable
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.int() }
    @inlinable
    package func encode(to writer: inout JSONWriter) { writer.int(self) }
}

extension Double: JSONCodable {
    @inlinable
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.double() }
    @inlinable
    package func encode(to writer: inout JSONWriter) { writer.double(self) }
}

extension Bool: JSONCodable {
    @inlinable
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.bool() }
    @inlinable
    package func encode(to writer: inout JSONWriter) { writer.bool(self) }
}

extension Array: JSONDecodable where Element: JSONDecodable {
    @inlinable
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.array(of: Element.self) }
}

extension Array: JSONEncodable where Element: JSONEncodable {
    @inlinable
    package func encode(to writer: inout JSONWriter) {
        writer.array(self) { writer, element in element.encode(to: &writer) }
    }
}

/// `null` decodes as nil.
extension Optional: JSONDecodable where Wrapped: JSONDecodable {
    @inlinable
    package init(from reader: inout JSONReader) throws(JSONError) {
        self = try reader.null() ? nil : Wrapped(from: &reader)
    }
}

extension Optional: JSONEncodable where Wrapped: JSONEncodable {
    @inlinable
    package func encode(to writer: inout JSONWriter) {
        switch self {
        case let value?: value.encode(to: &writer)
        case nil: writer.null()
        }
    }
}

extension Dictionary: JSONDecodable where Key == String, Value: JSONDecodable {
    @inlinable
    package init(from reader: inout JSONReader) throws(JSONError) {
        self = try reader.map { (reader: inout JSONReader) throws(JSONError) in try Value(from: &reader) }
    }
}

/// Members are written sorted by name, so that equal values have equal texts.
extension Dictionary: JSONEncodable where Key == String, Value: JSONEncodable {
    @inlinable
    package func encode(to writer: inout JSONWriter) {
        writer.map(self) { writer, value in value.encode(to: &writer) }
    }
}

extension JSONReader {
    /// Reads an object of `min` to `max` members with any names, reading each with `value`.
    @inlinable
    package mutating func map<Value>(
        min: Int = 0, max: Int = .max, _ value: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> [String: Value] {
        var members = try beginObject()
        var result: [String: Value] = [:]
        while let name = try nextName(&members) {
            if result.count == max { throw fail(at: members.offset, "has more than \(max) members") }
            result[name] = try value(&self)
        }
        if result.count < min { throw fail(at: members.offset, "has fewer than \(min) members") }
        return result
    }
}

extension JSONWriter {
    /// Appends an object whose members are written by `value`, sorted by name.
    @inlinable
    package mutating func map<Value>(
        _ members: [String: Value], _ value: (inout JSONWriter, borrowing Value) -> Void
    ) {
        raw("{")
        for (name, element) in members.sorted(by: { $0.key < $1.key }) {
            member(name: name)
            value(&self, element)
        }
        raw("}")
    }
}
