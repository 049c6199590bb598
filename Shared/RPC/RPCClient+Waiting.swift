import HTTP2
import Synchronization

/// One call that waits for a connection, until it is served, times out or is cancelled, whichever comes first.
final class WaitTicket: DeadlineTarget {
    typealias Outcome = Result<RPCClient.Links.Lease, RPCError>

    private struct Place {
        var continuation: CheckedContinuation<Outcome, Never>?
        var key: WaiterQueue<WaitTicket>.Key?
    }

    private let client: RPCClient
    // Always taken inside the client's lock or alone, never around it.
    private let place = Mutex(Place())

    init(_ client: RPCClient) { self.client = client }

    func join(_ continuation: CheckedContinuation<Outcome, Never>) {
        place.withLock { $0.continuation = continuation }
    }

    func keep(_ key: WaiterQueue<WaitTicket>.Key) { place.withLock { $0.key = key } }

    var key: WaiterQueue<WaitTicket>.Key? { place.withLock { $0.key } }

    /// Ends the wait; only the code that took the ticket out of the queue may call it.
    func resume(_ outcome: Outcome) {
        let continuation = place.withLock { place in
            defer { place.continuation = nil }
            return place.continuation
        }
        continuation?.resume(returning: outcome)
    }

    func deadlinePassed() {
        client.withdraw(self, .unavailable("No connection to the service was ready in time."))
    }
}

extension RPCClient {
    /// Waits for a connection, if none is ready.
    func acquire(until deadline: ContinuousClock.Instant) async throws(RPCError) -> Links.Lease {
        let ticket = WaitTicket(self)
        let key = sweeper.arm(ticket, at: deadline)
        defer { sweeper.disarm(key) }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                ticket.join(continuation)
                if let now = enqueue(ticket, deadline) { ticket.resume(now) }
            }
        } onCancel: {
            withdraw(ticket, .cancelled)
        }
        return try outcome.get()
    }

    /// Queues the ticket; returns an outcome if it need not or must not wait.
    private func enqueue(_ ticket: WaitTicket, _ deadline: ContinuousClock.Instant) -> WaitTicket.Outcome? {
        state.withLock { state in
            if state.isClosed { return .failure(.unavailable("The client has stopped.")) }
            // A cancellation or timeout from here on waits for this lock and then finds the key.
            if Task.isCancelled { return .failure(.cancelled) }
            if ContinuousClock.now >= deadline { return .failure(.deadlineExceeded) }
            if let lease = state.pick() { return .success(lease) }
            guard let key = state.balancer.enqueue(ticket) else {
                return .failure(.overloaded("Too many calls are waiting for a connection to the service."))
            }
            ticket.keep(key)
            return nil
        }
    }

    /// Ends a wait that was not served yet.
    func withdraw(_ ticket: WaitTicket, _ error: RPCError) {
        let taken = state.withLock { state in ticket.key.flatMap { state.balancer.withdraw($0) } }
        taken?.resume(.failure(error))
    }

    /// Returns a connection and serves waiting calls.
    func release(_ lease: Links.Lease) {
        let served = state.withLock { state in
            state.balancer.release(lease)
            return state.serve()
        }
        for (ticket, lease) in served { ticket.resume(.success(lease)) }
    }
}

extension RPCClient.State {
    mutating func pick() -> RPCClient.Links.Lease? { balancer.pick(random.next(), random.next()) }

    mutating func serve() -> [(WaitTicket, RPCClient.Links.Lease)] {
        if balancer.waiterCount == 0 { return [] }
        var served: [(WaitTicket, RPCClient.Links.Lease)] = []
        while let next = balancer.serveNext(random.next(), random.next()) { served.append(next) }
        return served
    }
}
