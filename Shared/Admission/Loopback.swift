package import NIOCore

/// The addresses by which a machine, or a container, reaches itself; the kernel drops packets from elsewhere that bear
/// one.
package enum Loopback {
    /// Whether an address is in 127.0.0.0/8, is ::1, or is the former mapped into IPv6. False for no address and for
    /// the path of a socket.
    package static func contains(_ address: SocketAddress?) -> Bool {
        guard let text = address?.ipAddress else { return false }
        // As the system writes them (inet_ntop), whatever way an address was typed.
        switch address {
        case .v4?: return text.hasPrefix("127.")
        case .v6?: return text == "::1" || text.hasPrefix("::ffff:127.")
        case .unixDomainSocket?, nil: return false
        }
    }
}
