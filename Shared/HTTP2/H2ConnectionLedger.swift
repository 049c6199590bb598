internal import NIOCore
internal import Synchronization

/// Counts the connections of a server, in total and by address, and knows their channels.
///
/// A connection is released when it has closed **and** its last handler has ended: otherwise a peer could start any
/// number of handlers by opening and closing connections. Thread-safe.
final class H2ConnectionLedger: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var countByAddress: [String: Int] = [:]
        /// The times until which addresses that flooded us get no connection, the oldest first.
        var punished: [(address: String, until: ContinuousClock.Instant)] = []
        var isDraining = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            defer { waiters = [] }
            return waiters
        }
    }

    private let limits: H2Limits
    private let state = Mutex(State())
    /// The budget for unfinished request bodies of all connections.
    let requestBudget: H2ByteBudget

    init(limits: H2Limits) {
        self.limits = limits
        requestBudget = H2ByteBudget(bytesMax: limits.serverRequestBytesMax)
    }

    /// Registers a connection; returns the reason if it must be closed at once.
    func admit(
        _ channel: any Channel, from address: String, now: ContinuousClock.Instant
    ) -> H2Observation.ConnectionRefusal? {
        state.withLock { state in
            if state.isDraining { return .draining }
            if !state.punished.isEmpty {
                state.punished.removeAll { $0.until <= now }
                if state.punished.contains(where: { $0.address == address }) { return .punished }
            }
            if state.channels.count >= limits.connectionsMax { return .tooMany }
            let count = state.countByAddress[address, default: 0]
            if count >= limits.connectionsPerAddressMax { return .tooManyFromAddress }
            state.countByAddress[address] = count + 1
            state.channels[ObjectIdentifier(channel)] = channel
            return nil
        }
    }

    /// Penalises an address that has flooded one of its connections.
    func punish(_ address: String, now: ContinuousClock.Instant) {
        state.withLock { state in
            state.punished.removeAll { $0.address == address || $0.until <= now }
            if state.punished.count >= limits.punishedAddressesMax { state.punished.removeFirst() }
            state.punished.append((address, now + limits.floodPenalty))
        }
    }

    func release(_ channel: any Channel, from address: String) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard state.channels.removeValue(forKey: ObjectIdentifier(channel)) != nil else { return [] }
            let count = state.countByAddress[address, default: 0] - 1
            state.countByAddress[address] = count > 0 ? count : nil
            return state.channels.isEmpty ? state.takeWaiters() : []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The number of connections that are open or have handlers running.
    var count: Int { state.withLock { $0.channels.count } }

    /// Refuses new connections from now on.
    func startDraining() { state.withLock { $0.isDraining = true } }

    func signal(_ signal: H2StopSignal) {
        let channels = state.withLock { Array($0.channels.values) }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(signal) }
    }

    /// Returns when no connection is left, or `stopWaiting` is called.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.channels.isEmpty { state.waiters.append(continuation) }
                return state.channels.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    func stopWaiting() {
        for waiter in state.withLock({ $0.takeWaiters() }) { waiter.resume() }
    }
}
