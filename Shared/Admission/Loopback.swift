internal import Glibc
package import NIOCore

/// The addresses by which a machine, or a container, reaches itself; the kernel drops packets from elsewhere that bear
/// one.
package enum Loopback {
    /// Whether an address is in 127.0.0.0/8, is ::1, or is the former mapped into IPv6. False for no address and for
    /// the path of a socket.
    package static func contains(_ address: SocketAddress?) -> Bool {
        switch address {
        case .v4(let address)?: withUnsafeBytes(of: address.address.sin_addr) { $0.first == network }
        case .v6(let address)?: withUnsafeBytes(of: address.address.sin6_addr) { contains(Array($0)) }
        case .unixDomainSocket?, nil: false
        }
    }

    /// The first byte of 127.0.0.0/8.
    private static let network: UInt8 = 127

    /// The same for the 16 bytes of an IPv6 address.
    private static func contains(_ bytes: [UInt8]) -> Bool {
        let (front, marker, rest) = (bytes.prefix(10), bytes.dropFirst(10).prefix(2), bytes.suffix(4))
        guard front.allSatisfy({ $0 == 0 }) else { return false }
        let isMapped = marker.elementsEqual([0xff, 0xff])
        return isMapped ? rest.first == network : bytes.dropFirst(10).elementsEqual([0, 0, 0, 0, 0, 1])
    }
}
