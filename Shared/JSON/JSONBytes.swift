/// A JSON value kept as its text, checked once and spliced unchanged.
@usableFromInline
package struct JSONBytes: Sendable, Hashable {
    /// The text; always exactly one valid value.
    @usableFromInline
    package let bytes: [UInt8]

    /// Trusts that `checked` contains exactly one valid value.
    init(checked: [UInt8]) { bytes = checked }

    /// Checks that `bytes` contain exactly one value.
    @usableFromInline
    package init(checking bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) {
        self = try decodeJSON(JSONBytes.self, from: bytes, limits: limits)
    }

    /// Encodes `value`.
    @usableFromInline
    package init(encoding value: some JSONEncodable) { bytes = encodeJSON(value) }

    /// Decodes the text as a value of `type`.
    @usableFromInline
    package func decode<Value: JSONDecodable>(_ type: Value.Type) throws(JSONError) -> Value {
        try decodeJSON(type, from: bytes)
    }
}

extension JSONBytes: JSONCodable {
    @usableFromInline
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.rawValue() }
    @usableFromInline
    package func encode(to writer: inout JSONWriter) { writer.raw(bytes) }
}

extension JSONBytes: CustomStringConvertible {
    @usableFromInline
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}
