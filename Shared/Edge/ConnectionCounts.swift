internal import NIOCore
internal import Synchronization

/// Counts the connections, or HTTP/2 streams, of each network, so that one network cannot take all of them.
final class ConnectionCounts: Sendable {
    private let limit: Int
    private let proxies: TrustedProxies
    private let counts = Mutex<[[UInt8]: Int]>([:])

    /// Connections of `proxies` carry all clients' requests, and are not counted.
    init(limit: Int, proxies: TrustedProxies) {
        self.limit = limit
        self.proxies = proxies
    }

    /// Returns the network that a connection counts towards; nil for one that is not counted.
    func network(of channel: any Channel) -> [UInt8]? {
        guard let peer = channel.remoteAddress?.ipAddress, let address = NetworkAddress(peer),
            !proxies.contains(address)
        else { return nil }
        return address.network
    }

    /// Counts one more for `network` if its limit allows; returns whether it did. Each success must be balanced by a `leave`.
    func enter(_ network: [UInt8]) -> Bool {
        counts.withLock { counts in
            let count = counts[network] ?? 0
            guard count < limit else { return false }
            counts[network] = count + 1
            return true
        }
    }

    /// Counts one that was already let in and continues as another, whatever the limit.
    func keep(_ network: [UInt8]) { counts.withLock { $0[network, default: 0] += 1 } }

    func leave(_ network: [UInt8]) {
        counts.withLock { counts in
            let count = (counts[network] ?? 0) - 1
            counts[network] = count > 0 ? count : nil
        }
    }
}
