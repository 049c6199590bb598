/// The waits between connection attempts. Pure: the caller supplies the randomness.
struct ConnectBackoff: Sendable {
    private let initial: Duration
    private let multiplier: Double
    private let jitter: Double
    private let longest: Duration
    private var next: Duration

    init(_ limits: RPCLimits) {
        initial = limits.connectBackoffInitial
        multiplier = limits.connectBackoffMultiplier
        jitter = limits.connectBackoffJitter
        longest = limits.connectBackoffMax
        next = initial
    }

    /// Returns the minimum time from the start of the last attempt to the next; `random` is in 0..<1.
    mutating func wait(random: Double) -> Duration {
        let wait = next * (1 + jitter * (2 * random - 1))
        next = min(next * multiplier, longest)
        return wait
    }

    /// Starts over, since the peer proved that it accepts connections.
    mutating func reset() { next = initial }
}

/// Returns the wait before retry number `retry` (from 1): full jitter under a doubling bound; `random` is in 0..<1.
func retryBackoff(retry: Int, random: Double, limits: RPCLimits) -> Duration {
    let bound = min(limits.retryBackoffInitial * Double(1 << min(retry - 1, 20)), limits.retryBackoffMax)
    return bound * random
}
