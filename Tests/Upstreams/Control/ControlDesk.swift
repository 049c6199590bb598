import Synchronization

/// The faults that wait, and the book of every request that came; both bounded.
package final class ControlDesk: Sendable {
    private struct State {
        var faults: [Fault] = []
        var entries: [BookEntry] = []
        var sequence = 0
        var droppedCount = 0
        var latencies: [UpstreamName: Duration] = [:]
    }

    /// How fast each provider is asked, and how fast it may be.
    package let pace = PaceMeter()

    private let state = Mutex(State())

    package init() {}

    /// Adds a fault; false where too many wait already.
    package func add(_ fault: Fault) -> Bool {
        state.withLock { state in
            guard state.faults.count < UpstreamLimits.faultsMax else { return false }
            state.faults.append(fault)
            return true
        }
    }

    package var faults: [Fault] { state.withLock { $0.faults } }

    /// Removes the faults of one provider, or all.
    package func clearFaults(_ provider: UpstreamName? = nil) {
        state.withLock { $0.faults.removeAll { provider == nil || $0.provider == provider } }
    }

    /// Forgets all faults and the whole book; sequence numbers go on.
    package func reset() {
        state.withLock { state in
            state.faults.removeAll()
            state.entries.removeAll()
            state.droppedCount = 0
            state.latencies.removeAll()
        }
        pace.reset()
    }

    /// Time that every answer of a provider takes.
    package func latency(_ provider: UpstreamName) -> Duration { state.withLock { $0.latencies[provider] ?? .zero } }

    /// Lets every answer of one provider, or of all, take so long.
    package func setLatency(_ latency: Duration, of provider: UpstreamName? = nil) {
        state.withLock { state in
            for name in provider.map({ [$0] }) ?? UpstreamName.allCases { state.latencies[name] = latency }
        }
    }

    /// The first waiting fault that this request runs into; counts it as used.
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

    /// Writes a request down and answers with its number, from 1.
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

    /// Adds the status that was answered.
    package func settle(_ sequence: Int, status: Int) {
        state.withLock { state in
            guard let first = state.entries.first?.sequence else { return }
            let index = sequence - first
            guard state.entries.indices.contains(index) else { return }
            state.entries[index].status = status
        }
    }

    /// Entries after a number, of one provider or of all, and how many older ones the bound has dropped.
    package func book(provider: UpstreamName? = nil, after: Int = 0) -> (entries: [BookEntry], droppedCount: Int) {
        state.withLock { state in
            let entries = state.entries.filter {
                $0.sequence > after && (provider == nil || $0.request.provider == provider)
            }
            return (entries, state.droppedCount)
        }
    }
}
