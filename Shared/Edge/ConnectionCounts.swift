internal import Synchronization

/// How many connections each network has, so that one cannot take all of them.
final class ConnectionCounts: Sendable {
    private let limit: Int
    private let counts = Mutex<[[UInt8]: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// Whether one more may come from `network`; who was let in leaves again.
    func enter(_ network: [UInt8]) -> Bool {
        counts.withLock { counts in
            let count = counts[network] ?? 0
            guard count < limit else { return false }
            counts[network] = count + 1
            return true
        }
    }

    func leave(_ network: [UInt8]) {
        counts.withLock { counts in
            let count = (counts[network] ?? 0) - 1
            counts[network] = count > 0 ? count : nil
        }
    }
}
