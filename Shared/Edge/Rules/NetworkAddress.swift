internal import Glibc

/// An IP address of 4 or 16 bytes. An IPv4-mapped IPv6 address is IPv4.
package struct NetworkAddress: Sendable, Hashable, CustomStringConvertible {
    fileprivate let bytes: [UInt8]
    package let description: String

    /// Parses an address; nil for names and anything else.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        var short = [UInt8](repeating: 0, count: 4)
        var long = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &short) == 1 {
            bytes = short
        } else if inet_pton(AF_INET6, text, &long) == 1 {
            let isMapped = long.prefix(10).allSatisfy { $0 == 0 } && long[10] == 0xff && long[11] == 0xff
            bytes = isMapped ? Array(long.suffix(4)) : long
        } else {
            return nil
        }
        var written = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        inet_ntop(family, bytes, &written, socklen_t(written.count))
        description = String(decoding: written.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The network of one household or host: the address itself, or the first 64 bits of IPv6.
    package var network: [UInt8] { bytes.count == 4 ? bytes : Array(bytes.prefix(8)) }

    /// The most that a provider usually assigns to one customer: the address itself, or the first 48 bits of IPv6.
    package var site: [UInt8] { bytes.count == 4 ? bytes : Array(bytes.prefix(6)) }

    /// Returns the network of an address given as text; for any other text, its UTF-8 bytes.
    package static func network(of text: String) -> [UInt8] { NetworkAddress(text)?.network ?? Array(text.utf8) }
}

/// A range of addresses, such as `10.0.0.0/8` or one address.
package struct NetworkRange: Sendable, Hashable {
    private let start: [UInt8]
    private let prefixBits: Int

    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let address = NetworkAddress(parts[0]), parts.count <= 2 else { return nil }
        start = address.bytes
        guard parts.count == 2 else {
            prefixBits = start.count * 8
            return
        }
        guard let bits = Int(parts[1]), (0...start.count * 8).contains(bits) else { return nil }
        prefixBits = bits
    }

    package func contains(_ address: NetworkAddress) -> Bool {
        guard address.bytes.count == start.count else { return false }
        return (0..<start.count).allSatisfy { index in
            let bits = min(max(prefixBits - index * 8, 0), 8)
            let mask = UInt8(truncatingIfNeeded: 0xff00 >> bits)
            return address.bytes[index] & mask == start[index] & mask
        }
    }
}

/// The proxies in front that are trusted to name their clients.
package struct TrustedProxies: Sendable {
    private let ranges: [NetworkRange]

    package init(_ ranges: [NetworkRange] = []) { self.ranges = ranges }

    /// Whether a proxy has this address.
    package func contains(_ address: NetworkAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// Hops that are examined; what lies before them is not trusted.
    private static let hopsMax = 16

    /// Returns the client's address: `peer`, or, if that is a trusted proxy, the last address in X-Forwarded-For that
    /// is not one.
    package func client(peer: String, forwardedFor fields: [String]) -> String {
        NetworkAddress(peer).map { client(peer: $0, forwardedFor: fields) } ?? peer
    }

    /// The same for a parsed address.
    package func client(peer: NetworkAddress, forwardedFor fields: [String]) -> String {
        var current = peer
        guard !ranges.isEmpty else { return current.description }
        for hop in fields.joined(separator: ",").split(separator: ",").reversed().prefix(Self.hopsMax) {
            guard contains(current) else { break }
            guard let next = Self.address(hop) else { break }
            current = next
        }
        return current.description
    }

    /// Parses an entry, which may have a port, and brackets around IPv6.
    private static func address(_ entry: Substring) -> NetworkAddress? {
        let text = entry.filter { $0 != " " && $0 != "\t" }
        if text.first == "[", let end = text.firstIndex(of: "]") { return NetworkAddress(text.dropFirst()[..<end]) }
        if let address = NetworkAddress(text) { return address }
        let parts = text.split(separator: ":")
        return parts.count == 2 ? NetworkAddress(parts[0]) : nil
    }
}
