/// One JSON value kept as its text, checked once and spliced as it is.
@usableFromInline
package struct JSONBytes: Sendable, Hashable {
    /// The text; always exactly one valid value.
    @usableFromInline
    package let bytes: [UInt8]

    /// Trusts that `checked` holds exactly one valid value.
    init(checked: [UInt8]) { bytes = checked }

    /// Checks that `bytes` hold exactly one value.
    @usableFromInline
    package init(checking bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) {
        self = try decodeJSON(JSONBytes.self, from: bytes, limits: limits)
    }

    /// The text of `value`.
    @usableFromInline
    package init(encoding value: some JSONEncodable) { bytes = encodeJSON(value) }

    /// Reads the text as a value of `type`.
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
