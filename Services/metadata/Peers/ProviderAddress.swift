/// A provider's address, assembled from parts that are percent-encoded.
package struct ProviderAddress: Sendable {
    private let base: String
    private var path = ""
    private var query: [(name: String, value: String)] = []

    /// `base` is used as it is, without trailing slashes.
    package init(_ base: String) {
        var base = base[...]
        while base.hasSuffix("/") { base.removeLast() }
        self.base = String(base)
    }

    /// Returns the address with a path segment appended.
    package func appending(_ segment: String) -> ProviderAddress {
        var result = self
        result.path += "/" + Self.escaped(segment)
        return result
    }

    /// Returns the address with a query item appended, or unchanged if the value is nil.
    package func with(_ name: String, _ value: String?) -> ProviderAddress {
        guard let value else { return self }
        var result = self
        result.query.append((name, value))
        return result
    }

    /// The whole address. It may hold a key, so it goes neither into logs nor into errors.
    package var url: String {
        let target = base + (path.isEmpty ? "/" : path)
        return query.isEmpty ? target : target + "?" + form
    }

    /// The query alone, which also serves as the body of a form.
    package var form: String {
        query.map { "\(Self.escaped($0.name))=\(Self.escaped($0.value))" }.joined(separator: "&")
    }

    /// Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
