internal import NIOCore
internal import Synchronization

/// How many connections, or streams of these, each network has, so that one cannot take all of them.
final class ConnectionCounts: Sendable {
    private let limit: Int
    private let proxies: TrustedProxies
    private let counts = Mutex<[[UInt8]: Int]>([:])

    /// Proxies have the connections of everybody, and are not counted.
    init(limit: Int, proxies: TrustedProxies) {
        self.limit = limit
        self.proxies = proxies
    }

    /// Whose a connection counts as; nil for one that is not counted.
    func network(of channel: any Channel) -> [UInt8]? {
        guard let peer = channel.remoteAddress?.ipAddress, let address = NetworkAddress(peer),
            !proxies.contains(address)
        else { return nil }
        return address.network
    }

    /// Whether one more may come from `network`; who was let in leaves again.
    func enter(_ network: [UInt8]) -> Bool {
        counts.withLock { counts in
            let count = counts[network] ?? 0
            guard count < limit else { return false }
            counts[network] = count + 1
            return true
        }
    }

    /// One that was counted already goes on as another.
    func keep(_ network: [UInt8]) { counts.withLock { $0[network, default: 0] += 1 } }

    func leave(_ network: [UInt8]) {
        counts.withLock { counts in
            let count = (counts[network] ?? 0) - 1
            counts[network] = count > 0 ? count : nil
        }
    }
}
