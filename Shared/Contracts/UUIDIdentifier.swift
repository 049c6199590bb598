package import JSON

/// A UUID identifier; each kind of object has its own type, so that ids cannot be confused.
package protocol UUIDIdentifier: Sendable, Hashable, Comparable, JSONCodable, LosslessStringConvertible {
    var uuid: UUIDBits { get }
    init(_ uuid: UUIDBits)
}

extension UUIDIdentifier {
    /// Parses 36 characters, with hexadecimal digits in either case.
    package init?(_ description: String) {
        guard let uuid = UUIDBits(description) else { return nil }
        self.init(uuid)
    }

    /// Reads exactly 16 bytes, most significant first.
    package init?(bytes: some Collection<UInt8>) {
        guard let uuid = UUIDBits(bytes: bytes) else { return nil }
        self.init(uuid)
    }

    /// The 36 characters in lowercase.
    package var description: String { uuid.description }

    package static func < (left: Self, right: Self) -> Bool { left.uuid < right.uuid }

    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(try reader.parseString("is not a UUID") { UUIDBits(utf8: $0) })
    }

    package func encode(to writer: inout JSONWriter) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
            uuid.write(to: text)
            writer.plainString(UnsafeBufferPointer(text))
        }
    }
}
