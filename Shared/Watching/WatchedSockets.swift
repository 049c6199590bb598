internal import Glibc

/// Sockets that are looked at again and again for a moment, where to sleep and be woken would cost more than what they
/// are waited for.
package struct WatchedSockets: Sendable {
    private var entries: [pollfd]

    package init(_ descriptors: [Int32] = []) { entries = descriptors.map(Self.entry) }

    private static func entry(_ descriptor: Int32) -> pollfd {
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    }

    package var count: Int { entries.count }

    package mutating func add(_ descriptor: Int32) { entries.append(Self.entry(descriptor)) }

    package mutating func remove(_ descriptor: Int32) { entries.removeAll { $0.fd == descriptor } }

    /// Looks until one of them can be read without waiting, at most for `limit`; whether one can. One that was closed can.
    package mutating func look(for limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        var lookCount = 0
        while unsafe poll(&entries, nfds_t(entries.count), 0) == 0 {
            lookCount += 1
            // The clock costs a good part of what a look costs.
            if lookCount % 8 == 0, ContinuousClock.now >= end { return false }
        }
        return true
    }
}
