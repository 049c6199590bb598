package import HTTP2
package import NIOCore
import Synchronization

/// A snapshot of a client's connections, for metrics.
package struct RPCClientSnapshot: Sendable {
    /// One connection, or one address that has none yet.
    package struct Link: Sendable {
        package enum State: Sendable, Hashable { case connecting, ready, draining }

        package let address: H2Address
        package let state: State
        package let inFlight: Int
        /// Failed attempts to connect, and connections that broke, since one last became ready.
        package let failures: Int
    }

    package let links: [Link]
    /// The number of calls that wait for a connection.
    package let waiterCount: Int
    /// The number of retries that may be made right now.
    package let retryTokens: Int
}

extension RPCClient {
    package var snapshot: RPCClientSnapshot {
        state.withLock { state in
            let links = state.balancer.rows.map { row in
                let shown: RPCClientSnapshot.Link.State =
                    switch row.state {
                    case .connecting: .connecting
                    case .ready: .ready
                    case .draining: .draining
                    }
                return RPCClientSnapshot.Link(
                    address: row.address, state: shown, inFlight: row.inFlight, failures: row.failures)
            }
            return RPCClientSnapshot(
                links: links, waiterCount: state.balancer.waiterCount, retryTokens: state.budget.hundredths / 100)
        }
    }

    /// Resolves the targets and keeps a connection to every address until the task is cancelled; then closes all of
    /// them and fails every call. Must be called once.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepResolving() }
            for await opening in openings.stream {
                group.addTask { await self.keepLink(opening) }
            }
            group.cancelAll()
        }
        let (waiters, links) = state.withLock { state in
            state.isClosed = true
            return state.balancer.removeAll()
        }
        for waiter in waiters { waiter.resume(.failure(.unavailable("The client has stopped."))) }
        for link in links { link.close() }
    }

    private func perform(_ action: Links.Action) {
        switch action {
        case .open(let slot, let address):
            let readyAt = state.withLock { $0.readyAt[address] }
            let notBefore = readyAt?.advanced(by: limits.connectBackoffInitial)
            openings.continuation.yield(Opening(slot: slot, address: address, notBefore: notBefore))
        case .drain(let link): link.drain()
        }
    }

    /// Returns a function that opens connections without TLS on the loops of `group`.
    package static func plaintext(
        limits: H2Limits = .client, group: any EventLoopGroup, observe: H2Sink? = nil
    ) -> Connect {
        { (address, onChange) async throws(H2Error) -> H2ClientConnection in
            try await H2ClientConnection.connect(
                host: address.host, port: address.port, limits: limits, group: group, observe: observe,
                onChange: onChange)
        }
    }

    // MARK: Addresses

    /// Resolves at once, at every interval, and soon after a connection failed or drained.
    private func keepResolving() async {
        var known: [RPCTarget: [H2Address]] = [:]
        while !Task.isCancelled {
            for target in targets {
                do {
                    let addresses = try await resolve(target)
                    if !addresses.isEmpty { known[target] = addresses }
                } catch {
                    observe(.resolutionFailed(target: target.description, reason: "\(error)"))
                }
            }
            let addresses = Array(targets.flatMap { known[$0] ?? [] }.prefix(limits.addressesMax))
            let actions = state.withLock { state in
                if !addresses.isEmpty { state.readyAt = state.readyAt.filter { addresses.contains($0.key) } }
                return state.balancer.resolved(addresses)
            }
            for action in actions { perform(action) }
            let next = ContinuousClock.now.advanced(by: limits.resolveInterval)
            repeat {
                // Returns at once if the task is cancelled.
                try? await Task.sleep(for: limits.resolveIntervalMin)
            } while !Task.isCancelled && ContinuousClock.now < next && !takeResolutionWish()
        }
    }

    private func takeResolutionWish() -> Bool {
        state.withLock { state in
            defer { state.wantsResolution = false }
            return state.wantsResolution
        }
    }

    // MARK: Connections

    /// Keeps one slot connected until it is drained or its address is no longer listed.
    private func keepLink(_ opening: Opening) async {
        var backoff = ConnectBackoff(limits)
        var wakeAt = opening.notBefore
        while true {
            if let wakeAt {
                do { try await Task.sleep(until: wakeAt) } catch { return }
            }
            if Task.isCancelled { return }
            let startedAt = ContinuousClock.now
            let (changes, source) = AsyncStream<Bool>.makeStream(bufferingPolicy: .bufferingNewest(1))
            do throws(H2Error) {
                let link = try await connect(opening.address) { self.note($0, opening, source) }
                backoff.reset()
                guard await keep(link, opening, changes) else { return }
            } catch {
                report(opening, .failed("\(error)"))
                guard state.withLock({ $0.balancer.connectFailed(opening.slot) }) else { return }
            }
            let random = state.withLock { state in
                state.wantsResolution = true
                return Double.random(in: 0..<1, using: &state.random)
            }
            wakeAt = startedAt.advanced(by: backoff.wait(random: random))
        }
    }

    /// Gives calls a ready link until it closes; returns whether another should be opened for its slot.
    private func keep(_ link: H2ClientConnection, _ opening: Opening, _ changes: AsyncStream<Bool>) async -> Bool {
        let (isWanted, served) = state.withLock { state in
            state.readyAt[opening.address] = .now
            let isWanted = state.balancer.connected(opening.slot, link)
            // Changes of the link before it was registered here went unreported.
            if link.isClosed { _ = state.balancer.closed(opening.slot) }
            return (isWanted, state.serve())
        }
        guard isWanted else {
            link.close()
            return false
        }
        report(opening, .ready)
        for (ticket, lease) in served { ticket.resume(.success(lease)) }
        if link.isDraining { startDraining(opening.slot) }
        var goesOn = false
        for await change in changes { goesOn = change }
        if Task.isCancelled { link.close() }
        report(opening, .closed)
        return goesOn
    }

    /// Handles a change of a link on its event loop, so that no call chooses it any more; `source` receives whether its
    /// slot lives on.
    private func note(
        _ change: H2ClientConnection.Change, _ opening: Opening, _ source: AsyncStream<Bool>.Continuation
    ) {
        switch change {
        case .draining:
            report(opening, .draining)
            startDraining(opening.slot)
        case .closed:
            source.yield(state.withLock { $0.balancer.closed(opening.slot) })
            source.finish()
        }
    }

    /// Checks the link of a call that failed on it.
    func noteState(of lease: Links.Lease) {
        if lease.link.isClosed {
            state.withLock { $0.balancer.lost(lease) }
        } else if lease.link.isDraining, let action = state.withLock({ $0.balancer.drains(lease) }) {
            perform(action)
        }
    }

    private func startDraining(_ slot: Links.SlotID) {
        let action = state.withLock { state in
            state.wantsResolution = true
            return state.balancer.drains(slot)
        }
        if let action { perform(action) }
    }

    private func report(_ opening: Opening, _ change: RPCObservation.ConnectionChange) {
        observe(
            .connection(target: name, address: "\(opening.address.host):\(opening.address.port)", change))
    }
}
