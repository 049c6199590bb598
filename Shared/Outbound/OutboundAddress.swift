internal import Glibc

/// An internet address as seen by an outgoing connection: 4 bytes, or 16. IPv4 in any IPv6 form that leads to it
/// (mapped, translated) is IPv4.
package struct OutboundAddress: Sendable, Hashable, CustomStringConvertible {
    let bytes: [UInt8]
    package let description: String

    /// Parses an address, IPv6 without brackets; nil for names, for zones, and for other forms that some systems take
    /// for an address (`127.1`, `0x7f000001`, `017700000001`).
    package init?(_ text: String) {
        var short = [UInt8](repeating: 0, count: 4)
        var long = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &short) == 1 {
            bytes = short
        } else if inet_pton(AF_INET6, text, &long) == 1 {
            bytes = Self.translated.contains { $0.contains(long) } ? Array(long.suffix(4)) : long
        } else {
            return nil
        }
        description = text
    }

    /// ::ffff:0:0/96 (RFC 4291 §2.5.5.2), ::ffff:0:0:0/96 (RFC 2765) and 64:ff9b::/96 (RFC 6052).
    private static let translated: [OutboundRange] = [
        OutboundRange(bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0], bits: 96),
        OutboundRange(bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0], bits: 96),
        OutboundRange(bytes: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], bits: 96),
    ]

    /// Whether the address is that of a public internet host (IANA's special-purpose address registries).
    package var isPublic: Bool {
        if bytes.count == 4 { return !Self.special4.contains { $0.contains(bytes) } }
        return Self.public6.contains(bytes) && !Self.special6.contains { $0.contains(bytes) }
    }

    private static let special4: [OutboundRange] = [
        OutboundRange(bytes: [0, 0, 0, 0], bits: 8), OutboundRange(bytes: [10, 0, 0, 0], bits: 8),
        OutboundRange(bytes: [100, 64, 0, 0], bits: 10), OutboundRange(bytes: [127, 0, 0, 0], bits: 8),
        OutboundRange(bytes: [169, 254, 0, 0], bits: 16), OutboundRange(bytes: [172, 16, 0, 0], bits: 12),
        OutboundRange(bytes: [192, 0, 0, 0], bits: 24), OutboundRange(bytes: [192, 0, 2, 0], bits: 24),
        OutboundRange(bytes: [192, 88, 99, 0], bits: 24), OutboundRange(bytes: [192, 168, 0, 0], bits: 16),
        OutboundRange(bytes: [198, 18, 0, 0], bits: 15), OutboundRange(bytes: [198, 51, 100, 0], bits: 24),
        OutboundRange(bytes: [203, 0, 113, 0], bits: 24), OutboundRange(bytes: [224, 0, 0, 0], bits: 3),
    ]

    /// 2000::/3 is the only range allocated.
    private static let public6 = OutboundRange(bytes: [0x20] + [UInt8](repeating: 0, count: 15), bits: 3)

    /// Exceptions within it: Teredo, ORCHID and the like (2001::/23), documentation, 6to4, and 3fff::/20.
    private static let special6: [OutboundRange] = [
        OutboundRange(bytes: [0x20, 0x01] + [UInt8](repeating: 0, count: 14), bits: 23),
        OutboundRange(bytes: [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 12), bits: 32),
        OutboundRange(bytes: [0x20, 0x02] + [UInt8](repeating: 0, count: 14), bits: 16),
        OutboundRange(bytes: [0x3f, 0xff] + [UInt8](repeating: 0, count: 14), bits: 20),
    ]
}

/// A range of addresses, such as `10.0.0.0/8` or one address.
package struct OutboundRange: Sendable, Hashable {
    private let start: [UInt8]
    private let bits: Int

    init(bytes: [UInt8], bits: Int) {
        start = bytes
        self.bits = bits
    }

    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let address = OutboundAddress(parts[0]) else { return nil }
        let whole = address.bytes.count * 8
        guard let bits = parts.count == 2 ? Int(parts[1]) : whole, (0...whole).contains(bits) else { return nil }
        self.init(bytes: address.bytes, bits: bits)
    }

    package func contains(_ address: OutboundAddress) -> Bool { contains(address.bytes) }

    func contains(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == start.count else { return false }
        return bytes.indices.allSatisfy { index in
            let mask = UInt8(truncatingIfNeeded: 0xff00 >> min(max(bits - index * 8, 0), 8))
            return bytes[index] & mask == start[index] & mask
        }
    }
}
