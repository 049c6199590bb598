internal import Synchronization

/// Bounds the memory of all request bodies that are arriving or being processed, beyond a first part that each may
/// have.
final class BodyRoom: Sendable {
    private struct State {
        var taken = 0
        var takenBy: [[UInt8]: Int] = [:]
    }

    private let limits: EdgeLimits
    private let state = Mutex(State())

    init(limits: EdgeLimits) { self.limits = limits }

    /// Reserves `count` more bytes for a body from this network; returns whether there was room.
    fileprivate func take(_ count: Int, for network: [UInt8]) -> Bool {
        state.withLock { state in
            let own = state.takenBy[network, default: 0] + count
            guard state.taken + count <= limits.bodiesBytesMax, own <= limits.addressBodiesBytesMax else {
                return false
            }
            state.taken += count
            state.takenBy[network] = own
            return true
        }
    }

    fileprivate func leave(_ count: Int, of network: [UInt8]) {
        guard count > 0 else { return }
        state.withLock { state in
            state.taken -= count
            let own = state.takenBy[network, default: 0] - count
            state.takenBy[network] = own > 0 ? own : nil
        }
    }

    /// The number of reserved bytes; 0 while nothing is in progress.
    var taken: Int { state.withLock(\.taken) }

    /// The share of one body, confined to the task of its request, and released when that ends.
    struct Place: ~Copyable {
        private let room: BodyRoom
        private let client: String
        private var free: Int
        private var taken = 0
        /// The client's network; computed when first needed, which is rare.
        private var network: [UInt8] = []

        init(in room: BodyRoom, client: String) {
            self.room = room
            self.client = client
            free = room.limits.bodyBytesFree
        }

        deinit { room.leave(taken, of: network) }

        /// Makes room for `count` more bytes; returns false if there is none.
        mutating func grow(by count: Int) -> Bool {
            let more = max(0, count - free)
            free = max(0, free - count)
            guard more > 0 else { return true }
            if taken == 0 { network = NetworkAddress.network(of: client) }
            guard room.take(more, for: network) else { return false }
            taken += more
            return true
        }
    }
}
