package import JSON
import Synchronization

/// Measures the rate of calls to each provider, and refuses calls beyond a limit that was set.
package final class PaceMeter: Sendable {
    /// The measurements of one provider.
    package struct Reading: Sendable {
        package let provider: UpstreamName
        package let calls: Int
        /// The most calls in any second.
        package let secondPeak: Int
        /// The most calls in any period of the limit's length; 0 if no limit is set.
        package let limitPeak: Int
        /// The most calls in flight at once.
        package let inFlightPeak: Int
        package let refused: Int

        package var json: JSONValue {
            .members([
                "provider": .string(provider.rawValue), "calls": .whole(calls), "second_peak": .whole(secondPeak),
                "limit_peak": .whole(limitPeak), "in_flight_peak": .whole(inFlightPeak), "refused": .whole(refused),
            ])
        }
    }

    /// The calls within a sliding window.
    fileprivate struct Window {
        let length: Duration
        private(set) var peak = 0
        private var times: [ContinuousClock.Instant] = []
        private var first = 0

        init(_ length: Duration) { self.length = length }

        var count: Int { times.count - first }

        mutating func add(_ now: ContinuousClock.Instant) {
            while first < times.count, now - times[first] >= length { first += 1 }
            if first > 1_000 {
                times.removeSubrange(..<first)
                first = 0
            }
            times.append(now)
            peak = max(peak, count)
        }
    }

    fileprivate struct Tally {
        var calls = 0
        var refused = 0
        var inFlight = 0
        var inFlightPeak = 0
        var second = Window(.seconds(1))
        var limit: (calls: Int, window: Window)?
    }

    private let tallies = Mutex<[UpstreamName: Tally]>([:])

    package init() {}

    /// Counts a call that begins; returns false if it exceeds the limit.
    func enter(_ provider: UpstreamName) -> Bool {
        let now = ContinuousClock.now
        return tallies.withLock { tallies in
            tallies[provider, default: Tally()].enter(now)
        }
    }

    func leave(_ provider: UpstreamName) { tallies.withLock { $0[provider]?.inFlight -= 1 } }

    package func limit(_ provider: UpstreamName, calls: Int, per length: Duration) {
        tallies.withLock { $0[provider, default: Tally()].limit = (calls, Window(length)) }
    }

    package var readings: [Reading] {
        tallies.withLock { tallies in
            UpstreamName.allCases.compactMap { name in
                tallies[name].map {
                    Reading(
                        provider: name, calls: $0.calls, secondPeak: $0.second.peak,
                        limitPeak: $0.limit?.window.peak ?? 0, inFlightPeak: $0.inFlightPeak, refused: $0.refused)
                }
            }
        }
    }

    /// Restarts the counts at 0; limits stay.
    package func restart() {
        tallies.withLock { tallies in
            for (name, old) in tallies {
                tallies[name] = Tally(
                    inFlight: old.inFlight, limit: old.limit.map { ($0.calls, Window($0.window.length)) })
            }
        }
    }

    /// Restarts the counts at 0 and removes the limits.
    func reset() {
        tallies.withLock { tallies in tallies = tallies.mapValues { Tally(inFlight: $0.inFlight) } }
    }
}

extension PaceMeter.Tally {
    fileprivate mutating func enter(_ now: ContinuousClock.Instant) -> Bool {
        calls += 1
        inFlight += 1
        inFlightPeak = max(inFlightPeak, inFlight)
        second.add(now)
        limit?.window.add(now)
        guard let limit, limit.window.count > limit.calls else { return true }
        refused += 1
        return false
    }
}
