/// The requirements on a request over HTTP/1.1 beyond those of the parser, so that no intermediary can disagree with us
/// about where it ends (RFC 9112 §3.2, §6.1, §11.2). The parser rejects folded lines, bare line feeds, spaces before a
/// colon, a length beside an encoding, and two lengths.
package enum RequestRules {
    /// A request's line and fields as received.
    package struct Head: Sendable {
        package let isHTTP10: Bool
        package let method: String
        package let target: String
        /// In order, with names in any case.
        package let fields: [(name: String, value: String)]

        package init(isHTTP10: Bool, method: String, target: String, fields: [(name: String, value: String)]) {
            self.isHTTP10 = isHTTP10
            self.method = method
            self.target = target
            self.fields = fields
        }

        fileprivate func values(of name: String) -> [String] {
            // Names of different lengths differ: the parser admits only ASCII.
            fields.filter { $0.name.utf8.count == name.utf8.count && $0.name.lowercased() == name }.map(\.value)
        }
    }

    /// Digits of a length; more would be beyond any body.
    private static let lengthDigitsMax = 18

    /// Returns what is wrong with the request, in words for its sender; nil if nothing is.
    package static func fault(in head: Head) -> String? {
        let hosts = head.values(of: "host")
        if hosts.isEmpty, !head.isHTTP10 { return "Host: is missing" }
        if hosts.count > 1 { return "Host: is given twice" }
        if let host = hosts.first, host.isEmpty || !host.utf8.allSatisfy(isHostByte) {
            return "Host: is not a valid host"
        }
        let encodings = head.values(of: "transfer-encoding")
        let lengths = head.values(of: "content-length")
        if let encoding = encodings.first {
            if head.isHTTP10 { return "Transfer-Encoding: is not allowed in HTTP/1.0" }
            guard encodings.count == 1, encoding.lowercased() == "chunked" else {
                return "Transfer-Encoding: only chunked is supported"
            }
            if !lengths.isEmpty { return "Content-Length: is not allowed with Transfer-Encoding" }
        }
        if lengths.count > 1 { return "Content-Length: is given twice" }
        if let length = lengths.first {
            let isNumber = (1...lengthDigitsMax).contains(length.utf8.count) && length.utf8.allSatisfy(isDigit)
            if !isNumber { return "Content-Length: is not a number" }
        }
        if head.method == "CONNECT" { return "CONNECT: this server is not a proxy" }
        return isTarget(head) ? nil : "the target is neither a valid path nor an HTTP URL"
    }

    /// Returns whether the connection ends after the answer: because the client says so, because its version requires
    /// it, or because it asks for another protocol, after which the parser reads nothing any more.
    package static func endsConnection(_ head: Head) -> Bool {
        if head.isHTTP10 || !head.values(of: "upgrade").isEmpty { return true }
        return head.values(of: "connection").contains { field in
            field.split(separator: ",").contains { $0.filter { $0 != " " && $0 != "\t" }.lowercased() == "close" }
        }
    }

    private static func isTarget(_ head: Head) -> Bool {
        if head.target == "*" { return head.method == "OPTIONS" }
        let isPlain = head.target.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }
        guard isPlain, head.target.utf8.first != UInt8(ascii: "/") else { return isPlain }
        let start = head.target.prefix(8).lowercased()
        return start.hasPrefix("http://") || start.hasPrefix("https://")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Letters, digits, and the punctuation of names, IPv6 addresses and ports (RFC 3986 §3.2.2).
    private static func isHostByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "-._~%[]:".utf8.contains(byte)
    }
}
