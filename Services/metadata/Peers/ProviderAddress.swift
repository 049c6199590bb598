/// An address at a provider, put together from parts that are escaped on the way.
package struct ProviderAddress: Sendable {
    private let base: String
    private var path = ""
    private var query: [(name: String, value: String)] = []

    /// `base` is taken as it is, without a slash at its end.
    package init(_ base: String) {
        var base = base[...]
        while base.hasSuffix("/") { base.removeLast() }
        self.base = String(base)
    }

    /// The address one segment further down.
    package func appending(_ segment: String) -> ProviderAddress {
        var result = self
        result.path += "/" + Self.escaped(segment)
        return result
    }

    /// The address with one more query member; without it where the value is nil.
    package func with(_ name: String, _ value: String?) -> ProviderAddress {
        guard let value else { return self }
        var result = self
        result.query.append((name, value))
        return result
    }

    /// The whole address; may hold a key, so it goes neither into logs nor into errors.
    package var url: String {
        let target = base + (path.isEmpty ? "/" : path)
        return query.isEmpty ? target : target + "?" + form
    }

    /// The query alone, as it also goes into the body of a form.
    package var form: String {
        query.map { "\(Self.escaped($0.name))=\(Self.escaped($0.value))" }.joined(separator: "&")
    }

    /// RFC 3986, section 2.3: all but unreserved characters are escaped.
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
