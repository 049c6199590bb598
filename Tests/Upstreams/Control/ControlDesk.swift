import Synchronization

/// The pending faults and the book of every request received; both are bounded.
package final class ControlDesk: Sendable {
    private struct State {
        var faults: [Fault] = []
        var entries: [BookEntry] = []
        var sequence = 0
        var droppedCount = 0
        var latencies: [UpstreamName: Duration] = [:]
    }

    /// The rate at which each provider is called, and its limit.
    package let pace = PaceMeter()

    private let state = Mutex(State())

    package init() {}

    /// Adds a fault; returns false if too many are pending already.
    package func add(_ fault: Fault) -> Bool {
        state.withLock { state in
            guard state.faults.count < UpstreamLimits.faultsMax else { return false }
            state.faults.append(fault)
            return true
        }
    }

    package var faults: [Fault] { state.withLock { $0.faults } }

    /// Removes the faults of one provider, or of all.
    package func clearFaults(_ provider: UpstreamName? = nil) {
        state.withLock { $0.faults.removeAll { provider == nil || $0.provider == provider } }
    }

    /// Removes all faults and latencies, the whole book and all pace limits; sequence numbers continue.
    package func reset() {
        state.withLock { state in
            state.faults.removeAll()
            state.entries.removeAll()
            state.droppedCount = 0
            state.latencies.removeAll()
        }
        pace.reset()
    }

    /// The delay before every answer of a provider.
    package func latency(_ provider: UpstreamName) -> Duration { state.withLock { $0.latencies[provider] ?? .zero } }

    /// Sets the delay before every answer of one provider, or of all.
    package func setLatency(_ latency: Duration, of provider: UpstreamName? = nil) {
        state.withLock { state in
            for name in provider.map({ [$0] }) ?? UpstreamName.allCases { state.latencies[name] = latency }
        }
    }

    /// The first pending fault that matches this request; counts as one use of it.
    package func takeFault(_ request: UpstreamRequest) -> Fault? {
        state.withLock { state in
            let matching = state.faults.firstIndex {
                $0.provider == request.provider && request.path.hasPrefix($0.path)
            }
            guard let index = matching else { return nil }
            let fault = state.faults[index]
            if let remaining = fault.remaining {
                if remaining <= 1 {
                    state.faults.remove(at: index)
                } else {
                    state.faults[index].remaining = remaining - 1
                }
            }
            return fault
        }
    }

    /// Records a request and returns its sequence number, from 1.
    package func record(_ request: UpstreamRequest, atMilliseconds: Int64, fault: Fault?) -> Int {
        state.withLock { state in
            state.sequence += 1
            if state.entries.count == UpstreamLimits.bookEntriesMax {
                state.entries.removeFirst(UpstreamLimits.bookEntriesMax / 10)
                state.droppedCount += UpstreamLimits.bookEntriesMax / 10
            }
            state.entries.append(
                BookEntry(
                    sequence: state.sequence, request: request, atMilliseconds: atMilliseconds, status: nil,
                    fault: fault?.kind))
            return state.sequence
        }
    }

    /// Sets the status that was sent.
    package func settle(_ sequence: Int, status: Int) {
        state.withLock { state in
            guard let first = state.entries.first?.sequence else { return }
            let index = sequence - first
            guard state.entries.indices.contains(index) else { return }
            state.entries[index].status = status
        }
    }

    /// The entries after a sequence number, of one provider or of all, and how many entries have been dropped to keep
    /// the bound.
    package func book(provider: UpstreamName? = nil, after: Int = 0) -> (entries: [BookEntry], droppedCount: Int) {
        state.withLock { state in
            let entries = state.entries.filter {
                $0.sequence > after && (provider == nil || $0.request.provider == provider)
            }
            return (entries, state.droppedCount)
        }
    }
}
