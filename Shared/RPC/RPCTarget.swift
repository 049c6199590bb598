/// A host name and port that stand for all copies of one service.
package struct RPCTarget: Sendable, Hashable, CustomStringConvertible {
    /// A host name or a textual address, IPv6 without brackets.
    package let host: String
    /// From 1 to 65 535.
    package let port: Int

    /// Parses "host:port" or "[ipv6]:port"; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.contains(":") == isBracketed else { return nil }
        self.host = String(host)
        self.port = Int(port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
