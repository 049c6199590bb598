/// A name and value of a query or header.
package struct WireField: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A request as an emulated provider sees it.
package struct UpstreamRequest: Sendable {
    package let provider: UpstreamName
    package let method: String
    /// The path below the provider's prefix, with its leading slash, still percent-encoded.
    package let path: String
    /// The decoded query members, in the order of the address.
    package let query: [WireField]
    /// The header fields, with names in lower case.
    package let headers: [WireField]
    package let body: [UInt8]

    package init(
        provider: UpstreamName, method: String, path: String, query: [WireField], headers: [WireField], body: [UInt8]
    ) {
        self.provider = provider
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The decoded segments of the path, without empty ones.
    package var segments: [String] {
        path.split(separator: "/").map { AddressText.decoded($0, plusIsSpace: false) }
    }

    /// The first value of a query member; nil where it is absent, "" where it is empty.
    package func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// The first header with this name, which is in lower case.
    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// Parsing of addresses.
package enum AddressText {
    /// Splits and decodes a query string; "+" is a space.
    package static func query(_ text: some StringProtocol) -> [WireField] {
        text.split(separator: "&").map { member in
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return WireField(
                decoded(parts[0], plusIsSpace: true), parts.count > 1 ? decoded(parts[1], plusIsSpace: true) : "")
        }
    }

    /// Undoes percent-encoding; a broken escape stays as it is.
    package static func decoded(_ text: some StringProtocol, plusIsSpace: Bool) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
